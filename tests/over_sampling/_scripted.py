"""A generator that gives answers from a list, to bring about what a model may say one day."""

from sklw.generators import BaseGenerator, Completion


class Scripted(BaseGenerator):
    """Answers request number i of a class with answer i, and counts what it is asked.

    From number `fail_at` on it is interrupted.
    """

    def __init__(
        self, answers, form="completion", reason="stop", max_new_tokens=None, fail_at=None
    ):
        self.answers = answers
        self.form = form
        self.reason = reason
        self.max_new_tokens = max_new_tokens
        self.fail_at = fail_at

    asked = 0

    @property
    def prompt_form(self):
        return self.form

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            if self.fail_at is not None and request.index >= self.fail_at:
                raise KeyboardInterrupt
            type(self).asked += 1
            text = self.answers[request.index % len(self.answers)]
            yield number, Completion(text, 10, 10, self.reason)
