/* The layers of binary, sub-bit and few-bit networks in C99: no floats, no heap, no recursion.
 *
 * A map of codes is kept as bit planes: plane k holds bit k of every code. In each plane a pixel
 * takes whole bytes, the first channel in the lowest bit, and bits without a channel are 0. Maps
 * of integers are arrays of 1, 2, 4 or 8 bytes a number, in the order row, column, channel.
 *
 * A dot product of bits that stand for -1 and +1 is the number of positions less twice the number
 * of those that differ; of bits that stand for 0 and 1 with weights of -1 and +1 it is twice the
 * number of those that both have less the number that the input has. Words of 32 bits are counted
 * at a time.
 */

#ifndef SUBBIT_RUNTIME_H
#define SUBBIT_RUNTIME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Parameters stay in program memory, also where that has an address space of its own. */
#ifndef SUBBIT_FLASH
#if defined(__AVR__) && defined(__clang__)
#define SUBBIT_FLASH __attribute__((address_space(1)))
#elif defined(__AVR__)
#define SUBBIT_FLASH __flash
#else
#define SUBBIT_FLASH
#endif
#endif

#ifndef SUBBIT_SUM
#define SUBBIT_SUM int32_t
#endif

/* Sums of products; wide enough for every integer of the network. */
typedef SUBBIT_SUM subbit_sum;

#ifndef SUBBIT_POPCOUNT
#if defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb)
#define SUBBIT_POPCOUNT(word) ((unsigned)__builtin_popcount(word))
#else
#define SUBBIT_POPCOUNT(word) subbit_popcount(word)
#endif
#endif

enum { SUBBIT_UNSIGNED, SUBBIT_BIPOLAR, SUBBIT_SIGNED };
enum { SUBBIT_ROWS, SUBBIT_TILE, SUBBIT_CODEBOOK };
enum { SUBBIT_BY_POSITION, SUBBIT_BY_CHANNEL, SUBBIT_BY_CHANNEL_IN_BYTES };
enum { SUBBIT_NUMBERS, SUBBIT_CODES };

/* A map, or a vector of one pixel. Of codes: `planes` bits each, which stand for what `encoding`
 * says. Of integers: `bytes` each. */
typedef struct {
  uint16_t height, width;
  uint32_t channels;
  uint8_t planes, encoding, bytes;
} subbit_map;

/* How a kernel moves over a map. Outside it are codes of bits 0, of bits 1 where `ones`, or, where
 * `nothing`, elements that do not count. */
typedef struct {
  uint16_t rows, columns, step_down, step_across;
  uint8_t apart_down, apart_across;
  int16_t above, left;
  uint8_t ones, nothing;
} subbit_window;

/* One plane of weights, each worth `scale`.
 *
 * ROWS: `distinct` rows of whole bytes; output r has row r modulo `distinct`, times
 * `scales[r / distinct]` where there are scales. TILE: `size` bits over and over, by output,
 * channel and position; each repeat has a scale where there are scales, and outputs repeat after
 * `distinct`. CODEBOOK: `size` bits an index, by channel and output, into `codewords` of whole
 * bytes. */
typedef struct {
  uint8_t form;
  int16_t scale;
  uint32_t distinct, size;
  const SUBBIT_FLASH uint8_t *bits;
  const SUBBIT_FLASH uint8_t *codewords;
  const SUBBIT_FLASH int16_t *scales;
} subbit_weights;

/* Comparisons of integers: `levels` for each channel, ascending, `bytes` each. The code is their
 * number that an integer reaches, or, where the channel's bit of `rising` is 0, does not. */
typedef struct {
  uint8_t bytes;
  uint16_t levels;
  const SUBBIT_FLASH uint8_t *limits;
  const SUBBIT_FLASH uint8_t *rising;
} subbit_thresholds;

/* A convolution, or a linear layer as one of 1x1 on one pixel; with thresholds its outputs are
 * codes. Inputs and outputs are cut into `groups`. */
typedef struct {
  subbit_map x, y;
  subbit_window window;
  uint32_t groups;
  uint8_t order, planes;
  const subbit_weights *weights;
  const subbit_thresholds *thresholds;
} subbit_dot;

/* The inputs of one dot product: planes of `bytes`, how many of its positions count, the number of
 * ones in each plane, and which positions count, where not all do. */
typedef struct {
  const uint8_t *bits, *valid;
  size_t bytes;
  uint8_t planes, encoding;
  subbit_sum count;
  subbit_sum ones[24];
} subbit_patch;

static inline unsigned subbit_popcount(uint32_t word) {
  word -= word >> 1 & UINT32_C(0x55555555);
  word = (word & UINT32_C(0x33333333)) + (word >> 2 & UINT32_C(0x33333333));
  word = (word + (word >> 4)) & UINT32_C(0x0f0f0f0f);
  return (unsigned)(word * UINT32_C(0x01010101) >> 24);
}

/* Up to four bytes as a word, the first lowest. */
static inline uint32_t subbit_word(const uint8_t *from, size_t bytes) {
  if (bytes >= 4)
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
  uint32_t word = 0;
  for (size_t k = 0; k < bytes; k++) word |= (uint32_t)from[k] << 8 * k;
  return word;
}

static inline uint32_t subbit_constant(const SUBBIT_FLASH uint8_t *from, size_t bytes) {
  if (bytes >= 4)
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
  uint32_t word = 0;
  for (size_t k = 0; k < bytes; k++) word |= (uint32_t)from[k] << 8 * k;
  return word;
}

/* `count` bits, at most 32, from bit `at` on. */
static inline uint32_t subbit_cut(const uint8_t *from, size_t at, unsigned count) {
  const unsigned shift = at & 7, bytes = (shift + count + 7) / 8;
  from += at / 8;
  uint32_t word = subbit_word(from, bytes) >> shift;
  if (bytes > 4) word |= (uint32_t)from[4] << (32 - shift);
  return count < 32 ? word & ((UINT32_C(1) << count) - 1) : word;
}

static inline uint32_t subbit_cut_constant(const SUBBIT_FLASH uint8_t *from, size_t at,
                                           unsigned count) {
  const unsigned shift = at & 7, bytes = (shift + count + 7) / 8;
  from += at / 8;
  uint32_t word = subbit_constant(from, bytes) >> shift;
  if (bytes > 4) word |= (uint32_t)from[4] << (32 - shift);
  return count < 32 ? word & ((UINT32_C(1) << count) - 1) : word;
}

static inline int subbit_bit(const uint8_t *bits, size_t at) { return bits[at / 8] >> (at & 7) & 1; }

/* Put `count` bits of `from`, from bit `start` on, at bit `at` of `to`, where zeros are. */
static inline void subbit_append(uint8_t *to, size_t at, const uint8_t *from, size_t start,
                                 size_t count) {
  if (((at | start | count) & 7) == 0) {
    memcpy(to + at / 8, from + start / 8, count / 8);
    return;
  }
  while (count) {
    const unsigned room = 8 - (unsigned)(at & 7), some = count < room ? (unsigned)count : room;
    to[at / 8] |= (uint8_t)(subbit_cut(from, start, some) << (at & 7));
    at += some;
    start += some;
    count -= some;
  }
}

static inline void subbit_append_ones(uint8_t *to, size_t at, size_t count) {
  for (; count; at++, count--) to[at / 8] |= (uint8_t)(1u << (at & 7));
}

/* Number k of an array of numbers of 1, 2, 4 or 8 bytes. */
static inline subbit_sum subbit_number(const uint8_t *from, size_t k, unsigned bytes) {
  int8_t a;
  int16_t b;
  int32_t c;
  int64_t d;
  switch (bytes) {
    case 1: memcpy(&a, from + k, 1); return a;
    case 2: memcpy(&b, from + 2 * k, 2); return b;
    case 4: memcpy(&c, from + 4 * k, 4); return (subbit_sum)c;
    default: memcpy(&d, from + 8 * k, 8); return (subbit_sum)d;
  }
}

static inline void subbit_store(uint8_t *to, size_t k, unsigned bytes, subbit_sum number) {
  const int8_t a = (int8_t)number;
  const int16_t b = (int16_t)number;
  const int32_t c = (int32_t)number;
  const int64_t d = number;
  switch (bytes) {
    case 1: memcpy(to + k, &a, 1); break;
    case 2: memcpy(to + 2 * k, &b, 2); break;
    case 4: memcpy(to + 4 * k, &c, 4); break;
    default: memcpy(to + 8 * k, &d, 8); break;
  }
}

static inline subbit_sum subbit_limit(const SUBBIT_FLASH uint8_t *from, size_t k, unsigned bytes) {
  uint64_t number = 0;
  for (unsigned j = 0; j < bytes; j++) number |= (uint64_t)from[k * bytes + j] << 8 * j;
  const uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
  return (subbit_sum)((int64_t)(number ^ sign) - (int64_t)sign);
}

/* Bytes of a pixel in one plane, and of one plane. */
static inline size_t subbit_pixel_bytes(const subbit_map *map) { return (map->channels + 7) / 8; }

static inline size_t subbit_plane_bytes(const subbit_map *map) {
  return (size_t)map->height * map->width * subbit_pixel_bytes(map);
}

/* What the code of a channel of a pixel stands for; of a map of integers, the integer. */
static inline subbit_sum subbit_value(const subbit_map *map, const uint8_t *data, size_t pixel,
                                      size_t channel) {
  if (map->planes == 0) return subbit_number(data, pixel * map->channels + channel, map->bytes);
  subbit_sum code = 0;
  for (unsigned k = 0; k < map->planes; k++) {
    const uint8_t *plane = data + k * subbit_plane_bytes(map) + pixel * subbit_pixel_bytes(map);
    code += (subbit_sum)subbit_bit(plane, channel) << k;
  }
  return map->encoding == SUBBIT_BIPOLAR ? 2 * code - (((subbit_sum)1 << map->planes) - 1) : code;
}

/* The number that is stored: the code, or the integer. */
static inline subbit_sum subbit_stored(const subbit_map *map, const uint8_t *data, size_t k) {
  const subbit_sum value = subbit_value(map, data, k / map->channels, k % map->channels);
  const int bipolar = map->planes != 0 && map->encoding == SUBBIT_BIPOLAR;
  return bipolar ? (value + ((subbit_sum)1 << map->planes) - 1) / 2 : value;
}

/* Set the bits of one code, whose places hold zeros. */
static inline void subbit_put(const subbit_map *map, uint8_t *data, size_t pixel, size_t channel,
                              uint32_t code) {
  for (unsigned k = 0; k < map->planes; k++, code >>= 1) {
    uint8_t *plane = data + k * subbit_plane_bytes(map) + pixel * subbit_pixel_bytes(map);
    plane[channel / 8] |= (uint8_t)((code & 1) << (channel & 7));
  }
}

/* Set an element to what stands for `value`; the places of codes hold zeros. */
static inline void subbit_write(const subbit_map *map, uint8_t *data, size_t pixel, size_t channel,
                                subbit_sum value) {
  if (!map->planes)
    subbit_store(data, pixel * map->channels + channel, map->bytes, value);
  else if (map->encoding == SUBBIT_BIPOLAR)
    subbit_put(map, data, pixel, channel,
               (uint32_t)((value + ((subbit_sum)1 << map->planes) - 1) / 2));
  else
    subbit_put(map, data, pixel, channel, (uint32_t)value);
}

/* Codes of one byte each, or integers in two's complement, as bit planes. */
static inline void subbit_pack(const subbit_map *y, const uint8_t *x, unsigned bytes, uint8_t *out) {
  const size_t pixels = (size_t)y->height * y->width;
  memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t pixel = 0; !bytes && pixel < pixels; pixel++, x += y->channels)
    for (unsigned k = 0; k < y->planes; k++) {
      unsigned some = 0;
      for (size_t c = 0; c < y->channels; c++) {
        some |= (unsigned)(x[c] >> k & 1) << (c & 7);
        if ((c & 7) == 7 || c + 1 == y->channels) {
          out[k * subbit_plane_bytes(y) + pixel * subbit_pixel_bytes(y) + c / 8] = (uint8_t)some;
          some = 0;
        }
      }
    }
  for (size_t pixel = 0; bytes && pixel < pixels; pixel++)
    for (size_t c = 0; c < y->channels; c++) {
      const subbit_sum number = subbit_number(x, pixel * y->channels + c, bytes);
      subbit_put(y, out, pixel, c, (uint32_t)number);
    }
}

/* The pixels of a map of codes as one vector. */
static inline void subbit_flatten(const subbit_map *x, const uint8_t *in, uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  const size_t whole = (pixels * x->channels + 7) / 8;
  memset(out, 0, x->planes * whole);
  for (unsigned k = 0; k < x->planes; k++)
    for (size_t pixel = 0; pixel < pixels; pixel++)
      subbit_append(out + k * whole, pixel * x->channels,
                    in + k * subbit_plane_bytes(x) + pixel * subbit_pixel_bytes(x), 0, x->channels);
}

/* Where element `at` of a patch with `channels` stands. */
static inline size_t subbit_place(unsigned order, size_t channel, size_t position, size_t channels,
                                  size_t positions) {
  if (order == SUBBIT_BY_POSITION) return position * channels + channel;
  if (order == SUBBIT_BY_CHANNEL) return channel * positions + position;
  return channel * ((positions + 7) / 8 * 8) + position;
}

static inline size_t subbit_patch_bytes(unsigned order, size_t channels, size_t positions) {
  return order == SUBBIT_BY_CHANNEL_IN_BYTES ? channels * ((positions + 7) / 8)
                                             : (channels * positions + 7) / 8;
}

/* Gather the inputs of the output at (row, column), of `channels` channels from `first` on. */
static inline void subbit_gather(const subbit_dot *l, const uint8_t *x, size_t row, size_t column,
                                 size_t first, size_t channels, uint8_t *to, subbit_patch *p) {
  const subbit_window *w = &l->window;
  const size_t positions = (size_t)w->rows * w->columns;
  const size_t bytes = subbit_patch_bytes(l->order, channels, positions);
  size_t inside = 0;
  p->bits = to;
  p->bytes = bytes;
  p->planes = l->x.planes;
  p->encoding = l->x.encoding;
  uint8_t *valid = to + l->x.planes * bytes;
  memset(to, 0, (l->x.planes + (w->nothing ? 1u : 0u)) * bytes);
  for (size_t i = 0; i < w->rows; i++)
    for (size_t j = 0; j < w->columns; j++) {
      const long down = (long)(row * w->step_down + i * w->apart_down) - w->above;
      const long across = (long)(column * w->step_across + j * w->apart_across) - w->left;
      const int in = down >= 0 && across >= 0 && down < l->x.height && across < l->x.width;
      const size_t position = i * w->columns + j;
      inside += in ? 1 : 0;
      if (!in && !w->ones) continue;
      const size_t pixel = in ? (size_t)down * l->x.width + (size_t)across : 0;
      if (l->order == SUBBIT_BY_POSITION) {
        if (in && w->nothing) subbit_append_ones(valid, position * channels, channels);
        for (unsigned k = 0; k < l->x.planes; k++)
          if (in)
            subbit_append(to + k * bytes, position * channels,
                          x + k * subbit_plane_bytes(&l->x) + pixel * subbit_pixel_bytes(&l->x),
                          first, channels);
          else
            subbit_append_ones(to + k * bytes, position * channels, channels);
        continue;
      }
      for (size_t c = 0; c < channels; c++) {
        const size_t at = subbit_place(l->order, c, position, channels, positions);
        if (in && w->nothing) subbit_append_ones(valid, at, 1);
        for (unsigned k = 0; k < l->x.planes; k++) {
          const uint8_t *plane = x + k * subbit_plane_bytes(&l->x);
          if (!in || subbit_bit(plane + pixel * subbit_pixel_bytes(&l->x), first + c))
            to[k * bytes + at / 8] |= (uint8_t)(1u << (at & 7));
        }
      }
    }
  p->count = (subbit_sum)((w->nothing ? inside : positions) * channels);
  p->valid = w->nothing && inside < positions ? valid : NULL;
  for (unsigned k = 0; k < p->planes; k++) {
    p->ones[k] = 0;
    for (size_t at = 0; at < bytes; at += 4)
      p->ones[k] += (subbit_sum)SUBBIT_POPCOUNT(subbit_word(to + k * bytes + at, bytes - at));
  }
}

/* Plane k's part of a sum, of `count` positions of which the two agree or not. */
static inline subbit_sum subbit_part(const subbit_patch *p, unsigned k, subbit_sum count,
                                     subbit_sum counted, subbit_sum ones) {
  const subbit_sum worth = (subbit_sum)1 << k;
  if (p->encoding == SUBBIT_BIPOLAR) return worth * (count - 2 * counted);
  const subbit_sum sum = worth * (2 * counted - ones);
  return p->encoding == SUBBIT_SIGNED && k + 1u == p->planes ? -sum : sum;
}

/* The dot product of `bytes` of the patch from byte `from` on, of which `count` positions count and
 * `ones` are set, with as many bytes of weights. */
static inline subbit_sum subbit_product(const subbit_patch *p, size_t from, size_t bytes,
                                        const SUBBIT_FLASH uint8_t *w, subbit_sum count,
                                        const subbit_sum *ones) {
  subbit_sum sum = 0;
  for (unsigned k = 0; k < p->planes; k++) {
    const uint8_t *x = p->bits + k * p->bytes + from;
    uint32_t n = 0;
    size_t at = 0;
#ifdef SUBBIT_BIT_BY_BIT /* what words are compared with */
    for (; at < 8 * bytes; at++) {
      const int a = x[at / 8] >> (at & 7) & 1, b = w[at / 8] >> (at & 7) & 1;
      const int counts = !p->valid || subbit_bit(p->valid + from, at);
      n += counts && (p->encoding == SUBBIT_BIPOLAR ? a != b : a && b);
    }
    at = bytes;
#endif
    if (p->encoding != SUBBIT_BIPOLAR) {
      for (; at + 4 <= bytes; at += 4)
        n += SUBBIT_POPCOUNT(subbit_word(x + at, 4) & subbit_constant(w + at, 4));
      if (at < bytes)
        n += SUBBIT_POPCOUNT(subbit_word(x + at, bytes - at) & subbit_constant(w + at, bytes - at));
    } else if (p->valid) {
      const uint8_t *v = p->valid + from;
      for (; at < bytes; at += 4)
        n += SUBBIT_POPCOUNT((subbit_word(x + at, bytes - at) ^ subbit_constant(w + at, bytes - at)) &
                             subbit_word(v + at, bytes - at));
    } else {
      for (; at + 4 <= bytes; at += 4)
        n += SUBBIT_POPCOUNT(subbit_word(x + at, 4) ^ subbit_constant(w + at, 4));
      if (at < bytes)
        n += SUBBIT_POPCOUNT(subbit_word(x + at, bytes - at) ^ subbit_constant(w + at, bytes - at));
    }
    sum += subbit_part(p, k, count, (subbit_sum)n, ones[k]);
  }
  return sum;
}

/* The dot product of `count` bits of the patch from bit `from` on with those of a tile from `at`. */
static inline subbit_sum subbit_piece(const subbit_patch *p, size_t from,
                                      const SUBBIT_FLASH uint8_t *tile, size_t at, size_t count) {
  subbit_sum sum = 0;
  while (count) {
    const unsigned some = count < 32 ? (unsigned)count : 32;
    const uint32_t w = subbit_cut_constant(tile, at, some);
    const uint32_t v = p->valid ? subbit_cut(p->valid, from, some) : UINT32_C(0xffffffff);
    const subbit_sum positions = p->valid ? (subbit_sum)SUBBIT_POPCOUNT(v) : (subbit_sum)some;
    for (unsigned k = 0; k < p->planes; k++) {
      const uint32_t x = subbit_cut(p->bits + k * p->bytes, from, some);
      const uint32_t counted = p->encoding == SUBBIT_BIPOLAR ? (x ^ w) & v : x & w;
      sum += subbit_part(p, k, positions, (subbit_sum)SUBBIT_POPCOUNT(counted),
                         (subbit_sum)SUBBIT_POPCOUNT(x));
    }
    from += some;
    at += some;
    count -= some;
  }
  return sum;
}

/* Add a plane of weights of rows to the sums of `outputs` outputs, from output `first` on. */
static inline void subbit_add_rows(const subbit_weights *w, const subbit_patch *p, size_t first,
                                   size_t outputs, subbit_sum *sums, subbit_sum *rows) {
  const size_t distinct = w->distinct < outputs ? w->distinct : outputs;
  for (size_t r = 0; r < distinct; r++) {
    const size_t row = (first + r) % w->distinct;
    rows[r] = w->scale * subbit_product(p, 0, p->bytes, w->bits + row * p->bytes, p->count, p->ones);
  }
  for (size_t r = 0; r < outputs; r++)
    sums[r] += rows[r % distinct] * (w->scales ? w->scales[(first + r) / w->distinct] : 1);
}

/* The same of a tile whose repeats do not end with rows; `length` weights a row. */
static inline void subbit_add_tile(const subbit_weights *w, const subbit_patch *p, size_t first,
                                   size_t outputs, size_t length, subbit_sum *sums,
                                   subbit_sum *rows) {
  const size_t distinct = w->distinct < outputs ? w->distinct : outputs;
  for (size_t r = 0; r < distinct; r++) {
    const size_t begin = (first + r) * length;
    rows[r] = 0;
    for (size_t done = 0; done < length;) {
      const size_t at = (begin + done) % w->size, left = w->size - at;
      const size_t some = length - done < left ? length - done : left;
      const subbit_sum scale = w->scales ? w->scales[(begin + done) / w->size] : 1;
      rows[r] += w->scale * scale * subbit_piece(p, done, w->bits, at, some);
      done += some;
    }
  }
  for (size_t r = 0; r < outputs; r++) sums[r] += rows[r % distinct];
}

/* The same of kernels from a codebook: what each codeword gives on a channel, once, and then for
 * each output the one that its index names. */
static inline void subbit_add_codebook(const subbit_weights *w, const subbit_patch *p, size_t first,
                                       size_t outputs, size_t all, size_t channels,
                                       subbit_sum *sums, subbit_sum *entries) {
  const size_t bytes = p->bytes / channels;
  const subbit_sum count = p->count / (subbit_sum)channels;
  for (size_t c = 0; c < channels; c++) {
    subbit_sum ones[24];
    for (unsigned k = 0; k < p->planes; k++) {
      ones[k] = 0;
      for (size_t at = 0; at < bytes; at++)
        ones[k] += (subbit_sum)SUBBIT_POPCOUNT(p->bits[k * p->bytes + c * bytes + at]);
    }
    const size_t codewords = (size_t)1 << w->size;
    const int few = outputs < codewords; /* outputs: then each looks at its own codeword */
    for (size_t e = 0; e < codewords && !few; e++)
      entries[e] = subbit_product(p, c * bytes, bytes, w->codewords + e * bytes, count, ones);
    size_t at = (c * all + first) * w->size;
    for (size_t r = 0; r < outputs; r++, at += w->size) {
      const size_t e = subbit_cut_constant(w->bits, at, (unsigned)w->size);
      sums[r] += w->scale * (few ? subbit_product(p, c * bytes, bytes, w->codewords + e * bytes,
                                                  count, ones)
                                 : entries[e]);
    }
  }
}

/* The code of an integer of a channel. */
static inline uint32_t subbit_code(const subbit_thresholds *t, size_t channel, subbit_sum x) {
  uint32_t low = 0, high = t->levels; /* limits before `low` are reached, from `high` on not */
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (subbit_limit(t->limits, channel * t->levels + middle, t->bytes) <= x)
      low = middle + 1;
    else
      high = middle;
  }
  return t->rising[channel / 8] >> (channel & 7) & 1 ? low : t->levels - low;
}

/* A convolution or a linear layer. `scratch`: sums and entries, then the patch. */
static inline void subbit_dots(const subbit_dot *l, const uint8_t *x, uint8_t *y,
                               subbit_sum *scratch) {
  const size_t channels = l->x.channels / l->groups, outputs = l->y.channels / l->groups;
  const size_t positions = (size_t)l->window.rows * l->window.columns;
  size_t rest = outputs;
  for (unsigned j = 0; j < l->planes; j++)
    if (l->weights[j].form == SUBBIT_CODEBOOK && rest < (size_t)1 << l->weights[j].size)
      rest = (size_t)1 << l->weights[j].size;
  subbit_sum *sums = scratch, *others = scratch + outputs;
  uint8_t *bits = (uint8_t *)(others + rest);
  if (l->y.planes) memset(y, 0, l->y.planes * subbit_plane_bytes(&l->y));
  for (size_t row = 0; row < l->y.height; row++)
    for (size_t column = 0; column < l->y.width; column++)
      for (size_t g = 0; g < l->groups; g++) {
        subbit_patch patch;
        const size_t first = g * outputs, pixel = row * l->y.width + column;
        subbit_gather(l, x, row, column, g * channels, channels, bits, &patch);
        for (size_t r = 0; r < outputs; r++) sums[r] = 0;
        for (unsigned j = 0; j < l->planes; j++) {
          const subbit_weights *w = &l->weights[j];
          if (w->form == SUBBIT_ROWS)
            subbit_add_rows(w, &patch, first, outputs, sums, others);
          else if (w->form == SUBBIT_TILE)
            subbit_add_tile(w, &patch, first, outputs, positions * channels, sums, others);
          else
            subbit_add_codebook(w, &patch, first, outputs, l->y.channels, channels, sums, others);
        }
        for (size_t r = 0; r < outputs; r++)
          if (l->thresholds)
            subbit_put(&l->y, y, pixel, first + r, subbit_code(l->thresholds, first + r, sums[r]));
          else
            subbit_store(y, pixel * l->y.channels + first + r, l->y.bytes, sums[r]);
      }
}

/* Thresholds of a map of integers. */
static inline void subbit_threshold(const subbit_map *x, const uint8_t *in, const subbit_map *y,
                                    const subbit_thresholds *t, uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t pixel = 0; pixel < pixels; pixel++)
    for (size_t c = 0; c < x->channels; c++)
      subbit_put(y, out, pixel, c, subbit_code(t, c, subbit_value(x, in, pixel, c)));
}

/* scale[c] * x + offset[c], numbers of `bytes` each. */
static inline void subbit_affine(const subbit_map *x, const uint8_t *in, const subbit_map *y,
                                 const SUBBIT_FLASH uint8_t *scales,
                                 const SUBBIT_FLASH uint8_t *offsets, unsigned bytes,
                                 uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  for (size_t pixel = 0; pixel < pixels; pixel++)
    for (size_t c = 0; c < x->channels; c++)
      subbit_store(out, pixel * x->channels + c, y->bytes,
                   subbit_limit(scales, c, bytes) * subbit_value(x, in, pixel, c) +
                       subbit_limit(offsets, c, bytes));
}

/* Lines through the numbers of each channel: shifted right, rounding down, and limited. Of two lines
 * of a channel the second is for numbers below its knee. Constants of `bytes` each. */
typedef struct {
  const SUBBIT_FLASH uint8_t *scales, *offsets, *knees;
  uint8_t bytes, lines, shift;
  subbit_sum low, high;
} subbit_lines;

static inline void subbit_requantise(const subbit_map *x, const uint8_t *in, const subbit_map *y,
                                     const subbit_lines *l, uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  for (size_t pixel = 0; pixel < pixels; pixel++)
    for (size_t c = 0; c < x->channels; c++) {
      const subbit_sum value = subbit_value(x, in, pixel, c);
      size_t at = c * l->lines;
      if (l->lines == 2 && value < subbit_limit(l->knees, c, l->bytes)) at++;
      subbit_sum sum =
          subbit_limit(l->scales, at, l->bytes) * value + subbit_limit(l->offsets, at, l->bytes);
      sum = sum < 0 ? ~(~sum >> l->shift) : sum >> l->shift;
      if (sum < l->low) sum = l->low;
      if (sum > l->high) sum = l->high;
      subbit_store(out, pixel * x->channels + c, y->bytes, sum);
    }
}

/* a * 2^shift_a + b * 2^shift_b of the values. */
static inline void subbit_add(const subbit_map *a, const uint8_t *in_a, unsigned shift_a,
                              const subbit_map *b, const uint8_t *in_b, unsigned shift_b,
                              const subbit_map *y, uint8_t *out) {
  const size_t pixels = (size_t)y->height * y->width;
  for (size_t pixel = 0; pixel < pixels; pixel++)
    for (size_t c = 0; c < y->channels; c++)
      subbit_store(out, pixel * y->channels + c, y->bytes,
                   subbit_value(a, in_a, pixel, c) * ((subbit_sum)1 << shift_a) +
                       subbit_value(b, in_b, pixel, c) * ((subbit_sum)1 << shift_b));
}

/* Sums, or the greatest code or integer, of the elements of each window that are inside the map.
 * Sums are integers; the greatest is stored as what it was. */
static inline void subbit_pool(const subbit_map *x, const uint8_t *in, const subbit_window *w,
                               int greatest, const subbit_map *y, uint8_t *out) {
  if (y->planes) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t row = 0; row < y->height; row++)
    for (size_t column = 0; column < y->width; column++)
      for (size_t c = 0; c < y->channels; c++) {
        subbit_sum found = 0;
        int some = 0;
        for (size_t i = 0; i < w->rows; i++)
          for (size_t j = 0; j < w->columns; j++) {
            const long down = (long)(row * w->step_down + i * w->apart_down) - w->above;
            const long across = (long)(column * w->step_across + j * w->apart_across) - w->left;
            if (down < 0 || across < 0 || down >= x->height || across >= x->width) continue;
            const size_t pixel = (size_t)down * x->width + (size_t)across;
            const subbit_sum value = subbit_value(x, in, pixel, c);
            if (!greatest)
              found += value;
            else if (!some || value > found)
              found = value;
            some = 1;
          }
        subbit_write(y, out, row * y->width + column, c, found);
      }
}

/* The greatest of each window of one-bit codes: eight channels at a time. */
static inline void subbit_pool_bits(const subbit_map *x, const uint8_t *in, const subbit_window *w,
                                    const subbit_map *y, uint8_t *out) {
  const size_t bytes = subbit_pixel_bytes(x);
  memset(out, 0, subbit_plane_bytes(y));
  for (size_t row = 0; row < y->height; row++)
    for (size_t column = 0; column < y->width; column++, out += bytes)
      for (size_t i = 0; i < w->rows; i++)
        for (size_t j = 0; j < w->columns; j++) {
          const long down = (long)(row * w->step_down + i * w->apart_down) - w->above;
          const long across = (long)(column * w->step_across + j * w->apart_across) - w->left;
          if (down < 0 || across < 0 || down >= x->height || across >= x->width) continue;
          const uint8_t *pixel = in + ((size_t)down * x->width + (size_t)across) * bytes;
          for (size_t k = 0; k < bytes; k++) out[k] |= pixel[k];
        }
}

/* The channels of pixel `from` of one map at channel `first` of pixel `to` of another, whose places
 * hold zeros. What they stand for stays. */
static inline void subbit_put_pixel(const subbit_map *x, const uint8_t *in, size_t from,
                                    const subbit_map *y, uint8_t *out, size_t to, size_t first) {
  if (x->planes && x->planes == y->planes && x->encoding == y->encoding) {
    for (unsigned k = 0; k < y->planes; k++)
      subbit_append(out + k * subbit_plane_bytes(y) + to * subbit_pixel_bytes(y), first,
                    in + k * subbit_plane_bytes(x) + from * subbit_pixel_bytes(x), 0, x->channels);
    return;
  }
  for (size_t c = 0; c < x->channels; c++)
    subbit_write(y, out, to, first + c, subbit_value(x, in, from, c));
}

/* One of the maps of a concatenation, from channel `first` on; the first of them comes first. */
static inline void subbit_concat(const subbit_map *x, const uint8_t *in, size_t first,
                                 const subbit_map *y, uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  if (y->planes && first == 0) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t pixel = 0; pixel < pixels; pixel++)
    subbit_put_pixel(x, in, pixel, y, out, pixel, first);
}

/* The channels that are named, in that order: numbers of `bytes` each. */
static inline void subbit_select(const subbit_map *x, const uint8_t *in, const subbit_map *y,
                                 const SUBBIT_FLASH uint8_t *channels, unsigned bytes,
                                 uint8_t *out) {
  const size_t pixels = (size_t)y->height * y->width;
  if (y->planes) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t c = 0; c < y->channels; c++) {
    const size_t channel = (size_t)subbit_limit(channels, c, bytes);
    for (size_t pixel = 0; pixel < pixels; pixel++)
      subbit_write(y, out, pixel, c, subbit_value(x, in, pixel, channel));
  }
}

/* Each pixel as a block of `rows` by `columns`. */
static inline void subbit_upsample(const subbit_map *x, const uint8_t *in, unsigned rows,
                                   unsigned columns, const subbit_map *y, uint8_t *out) {
  if (y->planes) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t row = 0; row < y->height; row++)
    for (size_t column = 0; column < y->width; column++)
      subbit_put_pixel(x, in, row / rows * x->width + column / columns, y, out,
                       row * y->width + column, 0);
}

/* The channels of each pixel as a block of `rows` by `columns` pixels. */
static inline void subbit_depth_to_space(const subbit_map *x, const uint8_t *in, unsigned rows,
                                         unsigned columns, const subbit_map *y, uint8_t *out) {
  if (y->planes) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t row = 0; row < y->height; row++)
    for (size_t column = 0; column < y->width; column++) {
      const size_t from = row / rows * x->width + column / columns;
      const size_t first = (row % rows * columns + column % columns) * y->channels;
      for (size_t c = 0; c < y->channels; c++)
        subbit_write(y, out, row * y->width + column, c, subbit_value(x, in, from, first + c));
    }
}

/* A map within a larger one, whose other elements stand for `value`. */
static inline void subbit_pad(const subbit_map *x, const uint8_t *in, unsigned above, unsigned left,
                              subbit_sum value, const subbit_map *y, uint8_t *out) {
  if (y->planes) memset(out, 0, y->planes * subbit_plane_bytes(y));
  for (size_t row = 0; row < y->height; row++)
    for (size_t column = 0; column < y->width; column++) {
      const size_t to = row * y->width + column;
      const int inside = row >= above && row - above < x->height && column >= left &&
                         column - left < x->width;
      if (inside)
        subbit_put_pixel(x, in, (row - above) * x->width + column - left, y, out, to, 0);
      for (size_t c = 0; !inside && c < y->channels; c++) subbit_write(y, out, to, c, value);
    }
}

/* The index of the greatest channel of each pixel, the lowest one on ties. */
static inline void subbit_argmax(const subbit_map *x, const uint8_t *in, const subbit_map *y,
                                 uint8_t *out) {
  const size_t pixels = (size_t)x->height * x->width;
  for (size_t pixel = 0; pixel < pixels; pixel++) {
    size_t best = 0;
    for (size_t c = 1; c < x->channels; c++)
      if (subbit_value(x, in, pixel, c) > subbit_value(x, in, pixel, best)) best = c;
    subbit_store(out, pixel, y->bytes, (subbit_sum)best);
  }
}

#endif
