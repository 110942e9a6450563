/* Classifies frames on a board by the host protocol (docs/reference/host-protocol.md):
 *
 *     client PORT FRAMES [BAUD]
 *
 * FRAMES holds packed frames one after the other, bodies of INFER. For each the class is printed.
 * It needs C99 and POSIX, and nothing else. */

#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { IDENTIFY = 1, INFER = 2, IDENTIFIED = 0x81, RESULT = 0x82, ERROR = 0x8F };
enum { FLAG = 0x7E, ESCAPE = 0x7D, TIMEOUT_MS = 2000, TRIES = 5, REPEATS = 500, MOST = 1 << 16 };

static int port;
static uint8_t sequence;              /* of the newest request */
static uint8_t content[MOST + 8];     /* of the response that is coming */
static size_t length;                 /* of it so far */
static uint8_t pending[2 * MOST + 64]; /* bytes on their way to the port */
static size_t queued, written;

static void fail(const char *what) {
  fprintf(stderr, "client: %s\n", what);
  exit(2);
}

static uint32_t crc32(const uint8_t *bytes, size_t n, uint32_t crc) {
  for (crc = ~crc; n--; bytes++) {
    crc ^= *bytes;
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
  }
  return ~crc;
}

static void put(uint8_t byte) {
  if (byte == FLAG || byte == ESCAPE) {
    pending[queued++] = ESCAPE;
    byte ^= 0x20;
  }
  pending[queued++] = byte;
}

/* Queue a request; all of the one before must be written. */
static void request(uint8_t type, const uint8_t *body, size_t n) {
  uint8_t header[4] = {type, ++sequence, n & 0xFF, n >> 8};
  uint32_t crc = crc32(body, n, crc32(header, 4, 0));
  queued = written = 0;
  pending[queued++] = FLAG;
  for (int k = 0; k < 4; k++) put(header[k]);
  for (size_t k = 0; k < n; k++) put(body[k]);
  for (int k = 0; k < 4; k++) put(crc >> 8 * k & 0xFF);
  pending[queued++] = FLAG;
}

/* Write and read until a whole response is in `content`, or until the request is written and
 * `until_sent` is set. Returns the length of the response, 0 for none, -1 after the timeout. */
static int step(int until_sent) {
  static uint8_t bytes[4096];
  static ssize_t have, used;
  static int escaped;
  for (;;) {
    while (used < have) {
      uint8_t byte = bytes[used++];
      if (byte == FLAG) {
        size_t n = length;
        int whole = n >= 8 && n <= MOST && !escaped;
        length = escaped = 0;
        if (whole && crc32(content, n, 0) == 0x2144DF1Cu) return (int)n;
      } else if (byte == ESCAPE) {
        escaped = 1;
      } else {
        if (length < sizeof content) content[length++] = escaped ? byte ^ 0x20 : byte;
        escaped = 0;
      }
    }
    if (until_sent && written == queued) return 0;
    struct pollfd wait = {port, written < queued ? POLLIN | POLLOUT : POLLIN, 0};
    if (poll(&wait, 1, TIMEOUT_MS) <= 0) return -1;
    if (wait.revents & POLLIN) {
      used = 0;
      if ((have = read(port, bytes, sizeof bytes)) <= 0) fail("the port is gone");
    } else if (wait.revents & POLLOUT) {
      ssize_t n = write(port, pending + written, queued - written);
      if (n > 0) written += n;
    } else {
      fail("the port is gone");
    }
  }
}

/* Ask what the board holds until it answers; its answer is in `content`. */
static void open_board(void) {
  for (int tries = 0; tries < TRIES; tries++) {
    request(IDENTIFY, NULL, 0);
    for (int n; (n = step(0)) >= 0;)
      if (content[0] == IDENTIFIED && content[1] == sequence && n >= 8 + 49) return;
  }
  fail("the board does not answer");
}

static unsigned word(size_t at) { return content[4 + at] | content[5 + at] << 8; }

static void configure(const char *path, long baud) {
  struct termios mode;
  if ((port = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)) < 0) fail("cannot open the port");
  if (tcgetattr(port, &mode)) fail("the port is no serial line");
  cfmakeraw(&mode);
#ifdef B3000000
  if (baud == 3000000) cfsetspeed(&mode, B3000000);
#endif
  if (baud == 1000000) cfsetspeed(&mode, B1000000);
  if (baud == 115200) cfsetspeed(&mode, B115200);
  tcsetattr(port, TCSANOW, &mode);
}

int main(int argc, char **argv) {
  if (argc < 3) fail("usage: client PORT FRAMES [BAUD]");
  configure(argv[1], argc > 3 ? atol(argv[3]) : 3000000);
  open_board();
  if (content[4] != 1) fail("the board speaks another version of the protocol");
  size_t pixels = (size_t)word(33) * word(35) * word(37), each = 8 / content[4 + 39];
  size_t size = (pixels + each - 1) / each, window = content[4 + 44];
  size_t result = (size_t)word(41) * content[4 + 43]; /* where the class is */
  if (window > 128) window = 128; /* fewer than sequence numbers */

  FILE *file = fopen(argv[2], "rb");
  uint8_t *frames = NULL;
  size_t bytes = 0, got;
  if (!file) fail("cannot open the frames");
  do {
    if (!(frames = realloc(frames, bytes + MOST))) fail("out of memory");
    bytes += got = fread(frames + bytes, 1, MOST, file);
  } while (got);
  if (bytes % size) fail("the file holds no whole frames");

  size_t count = bytes / size, done = 0, next = 0, printed = 0, silences = 0, refused = 0;
  int *class = malloc((count + 1) * sizeof *class);
  size_t *again = malloc((count + 129) * sizeof *again); /* frames to be sent once more */
  if (!class || !again) fail("out of memory");
  size_t repeats = 0, sent = 0, job[128]; /* frames in flight, oldest first, */
  uint8_t number[128];                     /* and the numbers of their requests */
  for (size_t k = 0; k < count; k++) class[k] = -1;
  while (done < count) {
    int n;
    if (written == queued && sent < window && (repeats || next < count)) {
      size_t frame = repeats ? again[--repeats] : next++;
      request(INFER, frames + frame * size, size);
      job[sent] = frame, number[sent++] = sequence;
    }
    n = step(sent < window && (repeats || next < count));
    if (n < 0) { /* all that is in flight is lost */
      if (++silences > TRIES) fail("the board has stopped to answer");
      while (sent) again[repeats++] = job[--sent];
      open_board();
    }
    if (n <= 0) continue;
    size_t at = 0;
    while (at < sent && number[at] != content[1]) at++;
    if (at == sent) continue;
    int right = content[0] == RESULT && (size_t)n == 8 + result + 2;
    if (right) class[job[at]] = (int)word(result), done++, silences = refused = 0;
    else if (++refused > REPEATS) fail("the board refuses a frame");
    for (size_t k = 0; k < at + !right; k++) again[repeats++] = job[k]; /* answers come in order */
    sent -= at + 1;
    memmove(job, job + at + 1, sent * sizeof *job);
    memmove(number, number + at + 1, sent);
    for (; printed < count && class[printed] >= 0; printed++) printf("%d\n", class[printed]);
    fflush(stdout);
  }
  fclose(file), free(frames), free(class), free(again);
  return 0;
}
