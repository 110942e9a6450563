"""What holds for all tests of this folder."""

import signal

# A runner in the background may have had Ctrl-C ignored, which every process below inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)
