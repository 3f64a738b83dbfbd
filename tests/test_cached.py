import threading

from sklw._cached import cached_property  # a lock shows in no result but the lack of one


class Pair:
    """Its two instances meet while they compute."""

    meeting = threading.Barrier(2, timeout=10)

    def __init__(self):
        self.calls = 0

    @cached_property
    def value(self):
        """The number of calls."""
        self.calls += 1
        self.meeting.wait()
        return self.calls


def test_instances_do_not_wait_for_each_other_and_compute_once():
    pair = Pair(), Pair()
    threads = [threading.Thread(target=lambda each=each: each.value) for each in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.value for each in pair] == [1, 1]
    assert Pair.value.__doc__ == "The number of calls."
