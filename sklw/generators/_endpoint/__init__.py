"""What is particular about servers that speak the OpenAI protocol, each in one place."""
