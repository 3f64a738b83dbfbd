"""How models talk about the task instead of writing a text."""

import re
from collections.abc import Callable

__all__ = ["META_SIGNS", "is_meta"]

_CANNOT = (
    r"\bi(?: simply| just)?(?: can't| cannot| can not| won't| will not|(?: am|'m) (?:unable to"
    r"|not able to|not going to|not comfortable)|(?: do not| don't) feel comfortable)"
)
_WRITE = r"(?:generat|creat|writ|produc|provid|shar|engag|continu|rewrit)(?:e|ing)(?: in| with)?"
_UNWANTED = (
    r"(?:another|content|material|speech|hat(?:e|red|eful)|harmful|offensive|abusive|racist|sexist"
    r"|toxic|discriminatory|derogatory|spam|scams?|phishing|fraud\w*|deceptive|misleading|slurs"
    r"|insult\w*|violen\w+|explicit|(?:text|example|response)s?)"
)
# At the beginning.
_FIRST = (
    r"(?:sure|certainly|of course|absolutely|okay)\b[^.]{0,40}[!,.:]\s*(?:here|this is|i(?:'ve|'ll"
    r"| can| will| have)? (?:help|create|generate|write|wrote|written|provide|rewrite))\b",
    r"here(?:'s| is| are| goes)\b[^.!?]{0,60}\b(?:text|message|example|sentence|review|tweet|post"
    r"|row|one|version|response|attempt|list)s?\b",
    r"(?:the following|this) (?:is|are)\b[^.!?]{0,40}\b(?:new|another|realistic|similar|generated"
    r"|synthetic|fictional|rewritten|possible)\b[^.!?]{0,40}\b(?:example|text|message|sentence"
    r"|label)s?\b",
    r"as an? (?:\w+ )?(?:ai|artificial|large language|language)\b",
    rf"[^.!?]{{0,80}}{_CANNOT} (?:assist\w*|comply\w*|fulfil\w*|(?:help|be able to help)"
    r"(?: you)?(?: with| by)? (?:that|this|your request|creating|generating|writing|producing)\b)",
    rf"[^.!?]{{0,80}}{_CANNOT} {_WRITE} (?:(?:that|this|it)\W*(?:[.,!]|$)|[^.!?]{{0,40}}"
    rf"\b{_UNWANTED}\b)",
    r"[^.!?]{0,80}\bi (?:must|need to|have to)(?: respectfully)? decline(?:\W*$| (?:this|that|your"
    rf"|the) request| to {_WRITE})",
    r"(?:(?:i am|i'm) (?:sorry|unable|not able)|i apologi[sz]e)\b.{0,60}\b(?:assist|comply|fulfil"
    r"|confusion)",
    r"(?:sorry|my apologies)\b.{0,60}\b(?:assist|comply|fulfil)",
    r"(?:(?:i am|i'm) sorry|sorry|my apologies|i apologi[sz]e)\b.{0,40}\bas an ai\b",
    r"[^.!?]{0,80}\b(?:not appropriate|inappropriate|against my \w+) to (?:generate|create|write)",
    r"[^.!?]{0,80}\bagainst my (?:guidelines|polic\w+|programming|values|principles)\b",
    r"lo siento\b.{0,20}\bno puedo (?:ayudar|generar|crear|cumplir|escribir)",
    r"(?:es )?tut mir leid\b.{0,60}\b(?:nicht|keine\w*)\b.{0,30}\b(?:helfen|erstellen|generieren)",
    r".{0,40}\bje ne peux pas (?:vous aider|répondre à (?:cette|votre) demande|générer|créer)",
    r"(?:很?抱歉|对不起).{0,10}(?:无法|不能)(?:满足|提供|协助|帮助|生成|创建|完成)",
    r"申し訳.{0,30}(?:お手伝い|お応え|対応|作成|生成).{0,10}(?:できません|いたしかねます)",
    r"(?:text|message|label|example|sentiment|category)\s*\d*\s*:",
    r"(?:note|explanation|instructions?)\s*:",
    r"\{\s*\"[^\"]+\"\s*:.*\}\W*$",
)
# And what they add at its end.
_LAST = (
    r"let me know if you(?:'d| would)? (?:like|need|want|prefer)\b.{0,30}\b(?:another|more"
    r" (?:text|message|example)s?|different|variations?|versions?|examples?|adjust\w*)\b",
    r"i hope this (?:text|message|example|version|response) (?:helps|meets|works|fits|is)\b",
    r"feel free to (?:adjust|adapt|modify|customi[sz]e|tweak) (?:it|the|this) (?:to|as|text"
    r"|message|example|details|wording)\b",
    r"would you like (?:me to|another|more) (?:write|generate|create|text|message|example)",
    r"this (?:new |rewritten )?(?:text|message|e-?mail|example|version) (?:keeps|maintains"
    r"|preserves|retains|reflects|follows)\b.{0,30}\b(?:label|category|tone|style|original)\b",
)


def _sign(pattern: str) -> Callable[[str], object]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: compiled.search(text.replace("’", "'"))


META_SIGNS = (
    *(_sign(rf"^\W*(?:{pattern})") for pattern in _FIRST),
    *(_sign(rf"\b(?:{pattern})[^.!?]{{0,80}}\W*$") for pattern in _LAST),
)


def is_meta(text: str) -> bool:
    """Whether a text shows any of the signs."""
    return any(sign(text) for sign in META_SIGNS)
