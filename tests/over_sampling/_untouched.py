"""A generator that must not be asked."""

from sklw.generators import BaseGenerator


class Untouched(BaseGenerator):
    """Fails the test as soon as a request is sent."""

    def iter_generate(self, requests):
        raise AssertionError(f"{len(requests)} requests were sent")
