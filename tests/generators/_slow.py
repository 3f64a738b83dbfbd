"""A generator slow enough to be killed or waited for; in a module, so that processes find it."""

import os
import time
from pathlib import Path

from sklw.generators import BaseGenerator, Completion


class SlowGenerator(BaseGenerator):
    """Answer with the prompt in capitals; note each answer given in a file."""

    def __init__(self, log, seconds=0.0, fail_at=None):
        self.log = log
        self.seconds = seconds
        self.fail_at = fail_at

    prompt_form = "completion"
    model_name = "slow"

    def cache_key(self):
        return {"backend": "slow"}

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            if number == self.fail_at:
                raise ConnectionError("the line is dead")
            time.sleep(self.seconds)
            with Path(self.log).open("a") as file:
                file.write(f"{os.getpid()} {request.prompt} {request.seed}\n")
            yield number, Completion(request.prompt.upper(), 3, 4, metadata={"n": number})

    def sent(self):
        path = Path(self.log)
        return path.read_text().splitlines() if path.exists() else []
