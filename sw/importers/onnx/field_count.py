"""How many fields a protobuf message of ONNX has, counted before anything is built from it.

An empty message costs two bytes in a file and a hundred in memory, so that the size of a file says
little; the count of its fields bounds what parsing it can take.
"""

from subbit.sw.errors import NetworkError

__all__ = ["MAX_FIELDS", "check_fields"]

MAX_FIELDS = 1 << 20
MAX_DEPTH = 16
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Which fields of which message hold messages; the numbers are those of onnx.proto.
Schema = dict[int, "Schema"]
TENSOR: Schema = {2: {}, 13: {}}
SHAPE: Schema = {1: {}}
TYPE: Schema = {1: {2: SHAPE}}
VALUE: Schema = {2: TYPE}
GRAPH: Schema = {}
ATTRIBUTE: Schema = {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH}
NODE: Schema = {5: ATTRIBUTE}
GRAPH |= {1: NODE, 5: TENSOR, 11: VALUE, 12: VALUE, 13: VALUE, 14: {}, 15: {}}
MODEL: Schema = {7: GRAPH, 8: {}, 14: {}, 20: {1: GRAPH, 2: GRAPH}, 25: {7: NODE}}


def check_fields(content: bytes, limit: int = MAX_FIELDS) -> int:
    """The number of fields in an ONNX file; raises NetworkError where it is cut short, damaged, too
    deeply nested, or has more than ``limit`` of them.
    """
    return FieldCounter(content, limit).message(0, len(content), MODEL, 0)


class FieldCounter:
    """Walks the fields of nested messages."""

    def __init__(self, content: bytes, limit: int) -> None:
        self.content, self.limit, self.found = content, limit, 0

    def message(self, start: int, end: int, schema: Schema, depth: int) -> int:
        """Count the fields in ``content[start:end]``; returns the number found so far."""
        if depth > MAX_DEPTH:
            raise NetworkError("the file is nested too deeply; export the network without loops")
        while start < end:
            self.found += 1
            if self.found > self.limit:
                raise NetworkError(f"the file has more than {self.limit} parts; no network has")
            tag, start = self.varint(start, end)
            start, size = self.field(tag & 7, start, end)
            if start + size > end:
                raise NetworkError("the file is cut short or damaged; fetch or export it again")
            if tag & 7 == BYTES and tag >> 3 in schema:
                self.message(start, start + size, schema[tag >> 3], depth + 1)
            start += size
        return self.found

    def field(self, kind: int, start: int, end: int) -> tuple[int, int]:
        """Where a field's content begins and how long it is."""
        if kind == VARINT:
            return self.varint(start, end)[1], 0
        if kind == BYTES:
            size, start = self.varint(start, end)
            return start, size
        if kind in (FIXED64, FIXED32):
            return start, 8 if kind == FIXED64 else 4
        raise NetworkError("not an ONNX file, or a damaged one; export it again")

    def varint(self, start: int, end: int) -> tuple[int, int]:
        """The number at ``start`` and where it ends."""
        value = 0
        for place in range(start, min(start + 10, end)):
            byte = self.content[place]
            value |= (byte & 127) << 7 * (place - start)
            if byte < 128:
                return value, place + 1
        raise NetworkError("the file is cut short or no ONNX file; fetch or export it again")
