"""The worker never outlives the program that started it."""

import faulthandler
import os
import signal
import sys
import threading


def end_with_parent():
    """End this process when its parent ends, however the parent ended.

    The parent holds the other end of standard input and never writes to it: end of file means that it is
    gone. On Linux the kernel is asked to say so too, for the case that somebody else inherited the pipe.
    """
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    threading.Thread(target=_wait_for_end_of_input, name="parent", daemon=True).start()


def _wait_for_end_of_input():
    while os.read(0, 4096):
        pass
    os._exit(1)


def show_stack_when_asked():
    """Write the stack of every thread to standard error on SIGUSR1: where a worker is that says nothing."""
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
