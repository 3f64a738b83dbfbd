"""A generator that gives answers from a list, to bring about what a model may say one day."""

from sklw.generators import BaseGenerator, Completion


class Scripted(BaseGenerator):
    """Answers request number i of a class with answer i, and counts what it is asked."""

    def __init__(self, answers, form="completion", reason="stop", max_new_tokens=None):
        self.answers = answers
        self.form = form
        self.reason = reason
        self.max_new_tokens = max_new_tokens

    asked = 0

    @property
    def prompt_form(self):
        return self.form

    @property
    def model_name(self):
        return "scripted"

    def cache_key(self):
        return {"backend": "scripted"}

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            type(self).asked += 1
            text = self.answers[request.index % len(self.answers)]
            yield number, Completion(text, 10, 10, self.reason)
