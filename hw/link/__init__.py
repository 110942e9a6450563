"""The host link: frames from a serial line to the accelerator, and its results back."""

from subbit.hw.link.host_link import HostLink

__all__ = ["HostLink"]
