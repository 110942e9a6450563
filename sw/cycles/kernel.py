"""The inner loop of the cycle model as WebAssembly: about 100 million steps a second.

It computes exactly what subbit.sw.cycles.model does, and keeps of each stream only what its
capacity can hold. Processes stand one after another from address 0, each in PROCESS_BYTES bytes of
32-bit words (``cycle`` has 64 bits), then streams, queue and steps.
"""

from subbit.sw.cycles.model import SOURCE_SHIFT

__all__ = ["BRANCH_BYTES", "FIELDS", "PROCESS_BYTES", "SOURCE_BYTES", "WAT"]

# Word of each field of a process. ``branches``: address of its branches, each a ring of cycles
# taken, their number, and the reader. ``sources``: address of its sources, each the address of a
# process (-1: the input) and of the branch that is read, the beats taken so far, and those of a
# frame. ``ends``: where the last beat's cycle of
# each frame goes. ``log``: where the cycle of each reservation goes, or 0; a branch has such too.
FIELDS = {
    **{"steps": 0, "count": 1, "at": 2, "frames": 3, "cycle": 4, "reserved": 6},
    **{"pushed": 7, "capacity": 8, "recycle": 9, "latency": 10, "given": 11, "branches": 12},
    **{"branch_count": 13, "sources": 14, "source_count": 15, "queued": 16},
    **{"ends": 17, "log": 18, "last": 20},
}
PROCESS_BYTES = 88
BRANCH_BYTES = 16  # ring, number taken, reader (-1: the output, taken as it is given), log
SOURCE_BYTES = 16  # process, branch, number taken, beats a frame


def field(name: str, of: str = "$p") -> str:
    """The 32-bit field of a process."""
    return f"(i32.load offset={4 * FIELDS[name]} (local.get {of}))"


def put(name: str, value: str) -> str:
    """Store a 32-bit field."""
    return f"(i32.store offset={4 * FIELDS[name]} (local.get $p) {value})"


def raised(name: str) -> str:
    """Count a field up."""
    return put(name, f"(i32.add {field(name)} (i32.const 1))")


def slot(ring: str, beat: str, capacity: str) -> str:
    """Address of a beat in a ring of 64-bit cycles."""
    place = f"(i32.shl (i32.rem_u {beat} {capacity}) (i32.const 3))"
    return f"(i32.add {ring} {place})"


def at_least(value: str) -> str:
    """Raise $t to a value."""
    return f"""(local.set $v {value})
      (if (i64.gt_s (local.get $v) (local.get $t)) (then (local.set $t (local.get $v))))"""


def each(count: str, first: str, size: int, body: str, name: str) -> str:
    """``body`` for each of ``count`` records from address ``first`` on, in $r."""
    return f"""(local.set $r {first})
    (local.set $n {count})
    (block ${name}_end (loop ${name}
      (br_if ${name}_end (i32.eqz (local.get $n)))
      {body}
      (local.set $r (i32.add (local.get $r) (i32.const {size})))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br ${name})))"""


LOADED = "(i32.load offset={} (local.get $r))"
SOURCE, BRANCH = LOADED.format(0), LOADED.format(4)
RING, TAKEN, READER, LOG = (LOADED.format(4 * word) for word in range(4))
POPPED, TAKES = LOADED.format(8), LOADED.format(12)


def asked(body: str) -> str:
    """``body`` where the step is for all sources, or for this one: they are counted down in $n."""
    number = f"(i32.sub (i32.add {field('source_count')} (i32.const 1)) (local.get $n))"
    mine = f"(i32.eq (local.get $source) {number})"
    return f"(if (i32.or (i32.eqz (local.get $source)) {mine}) (then {body}))"


# The beat of each source must be given; the step comes no earlier than that.
WAIT_BODY = f"""(local.set $q {SOURCE})
      (if (i32.lt_s (local.get $q) (i32.const 0))
        (then {
    at_least(
        f"(i64.div_u (i64.mul (i64.extend_i32_u {POPPED}) (local.get $period))"
        f" (i64.extend_i32_u {TAKES}))"
    )
})
        (else
          (if (i32.le_u {field("pushed", "$q")} {POPPED}) (then (return)))
          {
    at_least("(i64.load " + slot(field("given", "$q"), POPPED, field("capacity", "$q")) + ")")
}
))"""

# The beat ``capacity`` before must be taken on each branch.
ROOM_BODY = f"""(if (i32.le_u {TAKEN} (local.get $room)) (then (return)))
      {
    at_least(
        f"(i64.add (i64.load {slot(RING, '(local.get $room)', field('capacity'))})"
        f" (i64.extend_i32_u {field('recycle')}))"
    )
}"""

POP_BODY = f"""(local.set $q {SOURCE})
      (if (i32.ge_s (local.get $q) (i32.const 0)) (then
        (local.set $b {BRANCH})
        (i64.store
          {slot("(i32.load (local.get $b))", POPPED, field("capacity", "$q"))}
          (local.get $t))
        (if (i32.load offset=12 (local.get $b)) (then
          (i32.store
            (i32.add (i32.load offset=12 (local.get $b))
              (i32.shl {POPPED} (i32.const 2)))
            (i32.wrap_i64 (local.get $t)))))
        (i32.store offset=4 (local.get $b)
          (i32.add (i32.load offset=4 (local.get $b)) (i32.const 1)))
        (call $wake (local.get $q))))
      (i32.store offset=8 (local.get $r) (i32.add {POPPED} (i32.const 1)))"""

# What leaves by the output is taken when it is given.
PUSH_BODY = f"""(if (i32.lt_s {READER} (i32.const 0))
        (then
          (i64.store {slot(RING, field("pushed"), field("capacity"))} (local.get $v))
          (i32.store offset=4 (local.get $r) (i32.add {TAKEN} (i32.const 1))))
        (else (call $wake {READER})))"""

WAT = f"""(module
  (memory (export "memory") 1)
  (global $queue (mut i32) (i32.const 0))
  (global $slots (mut i32) (i32.const 0))
  (global $head (mut i32) (i32.const 0))
  (global $tail (mut i32) (i32.const 0))
  (func $wake (param $p i32)
    (if (i32.eqz {field("queued")}) (then
      {put("queued", "(i32.const 1)")}
      (i32.store (i32.add (global.get $queue) (i32.shl (global.get $tail) (i32.const 2)))
        (local.get $p))
      (global.set $tail (i32.add (global.get $tail) (i32.const 1)))
      (if (i32.eq (global.get $tail) (global.get $slots))
        (then (global.set $tail (i32.const 0)))))))
  (func $advance (param $p i32) (param $period i64)
    (local $flags i32) (local $source i32) (local $room i32)
    (local $q i32) (local $b i32) (local $r i32) (local $n i32)
    (local $t i64) (local $v i64)
    (loop $step
      (if (i32.eqz {field("frames")}) (then (return)))
      (local.set $flags (i32.load8_u (i32.add {field("steps")} {field("at")})))
      (local.set $source (i32.shr_u (local.get $flags) (i32.const {SOURCE_SHIFT})))
      (local.set $t (i64.add (i64.load offset={4 * FIELDS["cycle"]} (local.get $p)) (i64.const 1)))
      (if (i32.and (local.get $flags) (i32.const 1)) (then
        {each(field("source_count"), field("sources"), SOURCE_BYTES, asked(WAIT_BODY), "wait")}))
      (if (i32.and (local.get $flags) (i32.const 4)) (then
        (local.set $room (i32.sub {field("reserved")} {field("capacity")}))
        (if (i32.ge_s (local.get $room) (i32.const 0)) (then
          {each(field("branch_count"), field("branches"), BRANCH_BYTES, ROOM_BODY, "room")}))
        (if {field("log")} (then
          (i32.store (i32.add {field("log")} (i32.shl {field("reserved")} (i32.const 2)))
            (i32.wrap_i64 (local.get $t)))))
        {raised("reserved")}))
      (if (i32.and (local.get $flags) (i32.const 2)) (then
        {each(field("source_count"), field("sources"), SOURCE_BYTES, asked(POP_BODY), "pop")}))
      (if (i32.and (local.get $flags) (i32.const 8)) (then
        (local.set $v (i64.add (local.get $t) (i64.extend_i32_u {field("latency")})))
        (i64.store {slot(field("given"), field("pushed"), field("capacity"))} (local.get $v))
        (i64.store offset={4 * FIELDS["last"]} (local.get $p) (local.get $v))
        {each(field("branch_count"), field("branches"), BRANCH_BYTES, PUSH_BODY, "push")}
        {raised("pushed")}))
      (i64.store offset={4 * FIELDS["cycle"]} (local.get $p) (local.get $t))
      {raised("at")}
      (if (i32.eq {field("at")} {field("count")}) (then
        {put("at", "(i32.const 0)")}
        (i64.store {field("ends")} (i64.load offset={4 * FIELDS["last"]} (local.get $p)))
        {put("ends", f"(i32.add {field('ends')} (i32.const 8))")}
        {put("frames", f"(i32.sub {field('frames')} (i32.const 1))")}))
      (br $step)))
  (func (export "run") (param $processes i32) (param $queue i32) (param $period i64)
    (local $p i32) (local $n i32)
    (global.set $queue (local.get $queue))
    (global.set $slots (i32.add (local.get $processes) (i32.const 1)))
    (loop $all
      (call $wake (i32.mul (local.get $n) (i32.const {PROCESS_BYTES})))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $all (i32.lt_u (local.get $n) (local.get $processes))))
    (block $idle (loop $next
      (br_if $idle (i32.eq (global.get $head) (global.get $tail)))
      (local.set $p
        (i32.load (i32.add (global.get $queue) (i32.shl (global.get $head) (i32.const 2)))))
      (global.set $head (i32.add (global.get $head) (i32.const 1)))
      (if (i32.eq (global.get $head) (global.get $slots)) (then (global.set $head (i32.const 0))))
      {put("queued", "(i32.const 0)")}
      (call $advance (local.get $p) (local.get $period))
      (br $next)))))
"""
