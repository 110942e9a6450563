"""The host link: circuits of a serial line's protocol, and the protocol that the host speaks."""
