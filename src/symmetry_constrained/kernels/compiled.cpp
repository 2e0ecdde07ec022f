// The CPU's inner loops in float32 and float64, each one pass over memory: what `networks` does between its two
// products with the inputs, and what `memory` does with the pairs of L-BFGS. `compiled.py` compiles and calls this;
// the definitions are the PyTorch code there, which the tests hold this to.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
constexpr int FLOATS = BYTES / 4, DOUBLES = BYTES / 8;
typedef float Floats __attribute__((vector_size(BYTES)));
typedef int32_t Ints __attribute__((vector_size(BYTES)));
typedef double Doubles __attribute__((vector_size(BYTES)));

// Sums kept in registers at once: of a product with activations, ROWS x COLUMNS; of a gradient, SIDE x SIDE.
constexpr int ROWS = 5, COLUMNS = BYTES == 64 ? 4 : 2, SIDE = BYTES == 64 ? 5 : 3;
constexpr int64_t TILE_BYTES = 24576;  // of activations, so that a tile stays in the level-1 cache
constexpr int64_t LONGEST_TILE = 12;   // vectors: `softmax` multiplies as many sums, each at most the number of classes

template <class Vector, class Number>
inline Vector load(const Number* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline Floats every(float number) { return number - Floats{}; }

template <class Vector, class Number>
inline void store(Number* to, Vector value) {
  std::memcpy(to, &value, sizeof value);
}

// The smaller and the larger of two numbers; x if it is NaN. GCC finds no single instruction for the plain comparisons.
#if defined(__AVX512F__)
inline Floats smaller(Floats bound, Floats x) { return (Floats)_mm512_min_ps((__m512)bound, (__m512)x); }
inline Floats larger(Floats bound, Floats x) { return (Floats)_mm512_max_ps((__m512)bound, (__m512)x); }
#else
inline Floats smaller(Floats bound, Floats x) { return bound < x ? bound : x; }
inline Floats larger(Floats bound, Floats x) { return bound > x ? bound : x; }
#endif

// 1 / x to 1e-7 for x > 0: a guess, improved; a division takes three times as long.
inline Floats reciprocal(Floats x) {
#if defined(__AVX512F__)
  Floats y = (Floats)_mm512_rcp14_ps((__m512)x);
#else
  Floats y = (Floats)(0x7ef311c7 - (Ints)x);  // from the exponent
  Floats off = 1.f - x * y;
  y += y * (off + off * off);
#endif
  return y + y * (1.f - x * y);
}

// tanh to 4e-7, odd to the last bit, NaN for NaN: x P(x²) / Q(x²), fitted to tanh on |x| <= 9 (relative minimax 2e-8),
// where a float32 is 1.
inline Floats tanh_of(Floats x) {
  x = larger(every(-9.f), smaller(every(9.f), x));
  Floats u = x * x;
  Floats p = 1.3354708450208364e-08f * u + 2.06091226573335e-05f;
  p = p * u + 0.0034955907613039017f;
  p = p * u + 0.13381028175354004f;
  p = p * u + 1.f;
  Floats q = 7.776579309393128e-07f * u + 0.00032856391044333577f;
  q = q * u + 0.02587699331343174f;
  q = q * u + 0.4671434462070465f;
  q = q * u + 1.f;
  return x * p * reciprocal(q);
}

// exp to 2e-7 for -80 <= x <= 0, NaN for NaN: 2^n 2^f, the second a polynomial fitted on |f| <= 1/2 (minimax 2e-9).
inline Floats exp_of(Floats x) {
  constexpr float ROUND = 12582912.f;  // 1.5 * 2^23: adding it leaves the nearest integer in the last bits
  Floats shifted = x * 1.4426950216293335f + ROUND;
  Floats n = shifted - ROUND;
  Floats f = (x * 1.4426950216293335f - n) + x * 1.92596298909109e-08f;
  Floats p = 0.00015345810970757157f * f + 0.0013399930903688073f;
  p = p * f + 0.009618489071726799f;
  p = p * f + 0.05550328642129898f;
  p = p * f + 0.24022646248340607f;
  p = p * f + 0.6931471824645996f;
  p = p * f + 1.f;
  return (Floats)((Ints)p + ((Ints)shifted << 23));  // ROUND's own bits are shifted out
}

// out (J, N) = weights (J, ins) a (ins, N), N vectors of a row each; a weight of output j and input i is at
// weights[j * over + i * along]. Rows of `a` and `out` are `stride` vectors apart.
template <int J, int N>
inline void product(const float* weights, int64_t over, int64_t along, int64_t ins, const Floats* a, Floats* out,
                    int64_t stride) {
  Floats sums[J][N] = {};
  for (int64_t i = 0; i < ins; i++)
    for (int j = 0; j < J; j++)
      for (int k = 0; k < N; k++) sums[j][k] += weights[j * over + i * along] * a[i * stride + k];
  for (int j = 0; j < J; j++)
    for (int k = 0; k < N; k++) out[j * stride + k] = sums[j][k];
}

template <int N>
inline void columns(const float* weights, int64_t over, int64_t along, int64_t outs, int64_t ins, const Floats* a,
                    Floats* out, int64_t stride) {
  auto from = [&](int64_t j, auto product_of) {
    product_of(weights + j * over, over, along, ins, a, out + j * stride, stride);
  };
  int64_t j = 0;
  for (; j + ROWS <= outs; j += ROWS) from(j, product<ROWS, N>);
  switch (outs - j) {
    case 4: from(j, product<4, N>); break;
    case 3: from(j, product<3, N>); break;
    case 2: from(j, product<2, N>); break;
    case 1: from(j, product<1, N>); break;
  }
}

void multiply(const float* weights, int64_t over, int64_t along, int64_t outs, int64_t ins, const Floats* a,
              Floats* out, int64_t vectors, int64_t stride) {
  int64_t k = 0;
  for (; k + COLUMNS <= vectors; k += COLUMNS)
    columns<COLUMNS>(weights, over, along, outs, ins, a + k, out + k, stride);
  for (; k < vectors; k++) columns<1>(weights, over, along, outs, ins, a + k, out + k, stride);
}

// sums (J, I) += delta (J, vectors) a (I, vectors)', vector by vector; a row of sums is `row` apart.
template <int J, int I>
inline void outer(const Floats* delta, const Floats* a, Floats* sums, int64_t row, int64_t vectors, int64_t stride) {
  Floats kept[J][I];
  for (int j = 0; j < J; j++)
    for (int i = 0; i < I; i++) kept[j][i] = sums[j * row + i];
  for (int64_t k = 0; k < vectors; k++)
    for (int j = 0; j < J; j++)
      for (int i = 0; i < I; i++) kept[j][i] += delta[j * stride + k] * a[i * stride + k];
  for (int j = 0; j < J; j++)
    for (int i = 0; i < I; i++) sums[j * row + i] = kept[j][i];
}

template <int J>
inline void outer_rows(const Floats* delta, const Floats* a, int64_t ins, Floats* sums, int64_t vectors,
                       int64_t stride) {
  int64_t i = 0;
  for (; i + SIDE <= ins; i += SIDE) outer<J, SIDE>(delta, a + i * stride, sums + i, ins, vectors, stride);
  for (; i + 2 <= ins; i += 2) outer<J, 2>(delta, a + i * stride, sums + i, ins, vectors, stride);
  for (; i < ins; i++) outer<J, 1>(delta, a + i * stride, sums + i, ins, vectors, stride);
}

void accumulate(const Floats* delta, int64_t outs, const Floats* a, int64_t ins, Floats* sums, int64_t vectors,
                int64_t stride) {
  int64_t j = 0;
  for (; j + SIDE <= outs; j += SIDE)
    outer_rows<SIDE>(delta + j * stride, a, ins, sums + j * ins, vectors, stride);
  for (; j < outs; j++) outer_rows<1>(delta + j * stride, a, ins, sums + j * ins, vectors, stride);
}

template <class Number, int N>
struct Of {
  typedef Number Vector __attribute__((vector_size(sizeof(Number) * N)));
};

// The sum of a vector's N numbers.
template <class Number, int N>
inline Number total(typename Of<Number, N>::Vector value) {
  if constexpr (N == 2) {
    return value[0] + value[1];
  } else {
    typename Of<Number, N / 2>::Vector halves[2];
    std::memcpy(halves, &value, sizeof value);
    return total<Number, N / 2>(halves[0] + halves[1]);
  }
}

// The sum of term(i) over i < n; term takes a Doubles or a double at i, and says which by its second argument.
template <class Term>
inline double sum_of(int64_t n, Term term) {
  Doubles sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * DOUBLES <= n; i += 4 * DOUBLES)
    for (int k = 0; k < 4; k++) sums[k] += term(i + k * DOUBLES, Doubles{});
  for (; i + DOUBLES <= n; i += DOUBLES) sums[0] += term(i, Doubles{});
  double rest = 0;
  for (; i < n; i++) rest += term(i, 0.0);
  return total<double, DOUBLES>((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

// Numbers of either precision as Doubles, or as a double.
template <class Kind>
inline Kind widened(const double* from) {
  return load<Kind>(from);
}

template <class Kind>
inline Kind widened(const float* from) {
  if constexpr (sizeof(Kind) == sizeof(double))
    return *from;
  else
#if defined(__AVX512F__)
    return (Kind)_mm512_cvtps_pd(_mm256_loadu_ps(from));  // GCC converts half a vector at a time
#else
    return __builtin_convertvector(load<typename Of<float, DOUBLES>::Vector>(from), Kind);
#endif
}

template <class Number>
double dot(const double* a, const Number* b, int64_t n) {
  return sum_of(n, [=](int64_t i, auto kind) { return load<decltype(kind)>(a + i) * widened<decltype(kind)>(b + i); });
}

// q += scale a, then q·b, of n numbers each.
template <class Number>
double add_and_dot(double* q, double scale, const Number* a, const Number* b, int64_t n) {
  return sum_of(n, [=](int64_t i, auto kind) {
    auto value = load<decltype(kind)>(q + i) + scale * widened<decltype(kind)>(a + i);
    store(q + i, value);
    return value * widened<decltype(kind)>(b + i);
  });
}

// Cross-entropies of a tile of logits (classes, vectors), which become their gradient; a label below 0 counts nothing.
double softmax(Floats* logits, int64_t classes, const int32_t* labels, int64_t vectors, int64_t stride, bool padded) {
  Floats sums_multiplied = every(1.f), of_true_class = {};
  for (int64_t k = 0; k < vectors; k++) {
    Ints label = load<Ints>(labels + k * FLOATS);
    Floats largest = logits[k];
    for (int64_t c = 1; c < classes; c++) largest = larger(largest, logits[c * stride + k]);
    Floats sum = {};
    for (int64_t c = 0; c < classes; c++) {
      Floats logit = logits[c * stride + k] - largest;
      of_true_class = label == (int32_t)c ? of_true_class + logit : of_true_class;
      logit = larger(every(-60.f), logit);  // networks.FLOOR
      sum += logits[c * stride + k] = exp_of(logit);
    }
    Floats inverse = 1.f / sum;
    if (padded && k == vectors - 1) {
      inverse = label < 0 ? Floats{} : inverse;
      sum = label < 0 ? every(1.f) : sum;
    }
    for (int64_t c = 0; c < classes; c++) {
      Floats probability = logits[c * stride + k] * inverse;
      logits[c * stride + k] = label == (int32_t)c ? probability - 1.f : probability;
    }
    sums_multiplied *= sum;  // one logarithm for all
  }
  double loss = 0;
  for (int i = 0; i < FLOATS; i++) loss += std::log((double)sums_multiplied[i]) - (double)of_true_class[i];
  return loss;
}

// Write the pair s = step d, y = g - r of `updates` lanes into their slots of pairs (places, 2m, stride >= n), those of
// a lane at its place; y·y (updates).
template <class Number>
void remember(int64_t updates, int64_t n, int64_t stride, int64_t m, const int64_t* lanes, const int64_t* places,
              const int64_t* slots, const double* steps, const double* d, const double* g, const double* r,
              Number* pairs, double* y_y) {
  for (int64_t u = 0; u < updates; u++) {
    const double step = steps[lanes[u]], *moved = d + lanes[u] * n, *now = g + lanes[u] * n, *then = r + lanes[u] * n;
    Number *s = pairs + (places[lanes[u]] * 2 * m + slots[u]) * stride, *y = s + m * stride;
    for (int64_t i = 0; i < n; i++) s[i] = (Number)(step * moved[i]);
    for (int64_t i = 0; i < n; i++) y[i] = (Number)(now[i] - then[i]);
    y_y[u] = sum_of(n, [=](int64_t i, auto kind) {
      auto value = load<decltype(kind)>(now + i) - load<decltype(kind)>(then + i);
      return value * value;
    });
  }
}

// Of the lanes in the mask (L): z = t - H r and d = z - t (L, n), and r·d (L), by the two-loop recursion (Nocedal and
// Wright 2006, algorithm 7.4) over the `count` newest pairs, slot by slot back from `newest`. s_y (L, m) holds s·y,
// slot by slot; H0 = I / theta.
template <class Number>
void descend(int64_t lanes, int64_t n, int64_t stride, int64_t m, const uint8_t* mask, const int64_t* places,
             const int64_t* count, const int64_t* newest, const double* s_y, const double* theta, const Number* pairs,
             const double* t, const double* r, double* z, double* d, double* slope) {
  std::unique_ptr<double[]> weights(new double[m]);
  std::unique_ptr<Doubles[]> scratch(new Doubles[n / DOUBLES + 1]);
  double* q = reinterpret_cast<double*>(scratch.get());
  for (int64_t lane = 0; lane < lanes; lane++) {
    if (!mask[lane]) continue;
    const Number *s = pairs + places[lane] * 2 * m * stride, *y = s + m * stride;
    const double *sy = s_y + lane * m, *from = t + lane * n, *gradient = r + lane * n;
    double *end = z + lane * n, *step = d + lane * n;
    const int64_t kept = count[lane];
    auto slot = [&](int64_t age) { return (newest[lane] - age + m) % m; };
    std::memcpy(q, gradient, n * sizeof(double));
    // One pass over q for each s and y: that much of it is added, and the product taken with what comes next.
    double along = kept ? dot(q, s + slot(0) * stride, n) : 0;
    for (int64_t age = 0; age < kept; age++) {
      const int64_t here = slot(age);
      const Number* next = age + 1 < kept ? s + slot(age + 1) * stride : y + here * stride;
      weights[here] = along / sy[here];
      along = add_and_dot(q, -weights[here], y + here * stride, next, n);
    }
    const double gamma = 1 / theta[lane];
    for (int64_t i = 0; i < n; i++) q[i] *= gamma;
    along *= gamma;
    for (int64_t age = kept - 1; age >= 0; age--) {
      const int64_t here = slot(age);
      const Number* next = age > 0 ? y + slot(age - 1) * stride : s + here * stride;  // the last product is not used
      along = add_and_dot(q, weights[here] - along / sy[here], s + here * stride, next, n);
    }
    for (int64_t i = 0; i < n; i++) {
      end[i] = from[i] - q[i];
      step[i] = end[i] - from[i];
    }
    slope[lane] = dot(gradient, step, n);
  }
}
}  // namespace

extern "C" {

// Rows of parameters (L, n) in float32: the first layer's weights (L, units, inputs), and the rest
// (L, n - units inputs), its biases before the layers above.
void unpack(int64_t lanes, int64_t n, int64_t units, int64_t inputs, const double* rows, float* first, float* rest) {
  for (int64_t lane = 0; lane < lanes; lane++) {
    const double* row = rows + lane * n;
    for (int64_t unit = 0; unit < units; unit++, row += inputs + 1) {
      std::copy_n(row, inputs, first);
      first += inputs;
      *rest++ = (float)row[inputs];
    }
    rest = std::copy_n(row, n - units * (inputs + 1), rest);
  }
}

// One block of `width` samples through L networks, forwards and back.
// sizes (layers): the hidden layers' units, then the classes. products (L, sizes[0], width): the first layer's weights
// times the inputs, then the loss's gradient by them. rest (L, R): the first layer's biases, then the layers above,
// each (fan_out, fan_in + 1), the bias last. labels (width).
// Added to: loss (L), the sum of cross-entropies, and gradient (L, R), by `rest`.
void through_layers(const int64_t* sizes, int64_t layers, int64_t lanes, int64_t width, float* products,
                    const float* rest, const int32_t* labels, double* loss, float* gradient) {
  int64_t units = 0, widest = 0, numbers = sizes[0];
  for (int64_t l = 0; l < layers; l++) {
    units += sizes[l] + 1;
    widest = std::max(widest, sizes[l]);
    if (l > 0) numbers += sizes[l] * (sizes[l - 1] + 1);
  }
  const int64_t columns = TILE_BYTES / (units * BYTES) / COLUMNS * COLUMNS;
  const int64_t tile = std::clamp<int64_t>(columns, COLUMNS, LONGEST_TILE), stride = tile + 1;
  std::unique_ptr<Floats[]> activations(new Floats[units * stride]), ping(new Floats[widest * stride]),
      pong(new Floats[widest * stride]), sums(new Floats[numbers]);
  int32_t ends[FLOATS * LONGEST_TILE];

  for (int64_t lane = 0; lane < lanes; lane++) {
    float* first = products + lane * sizes[0] * width;
    const float* weights = rest + lane * numbers;
    std::fill_n(sums.get(), numbers, Floats{});
    for (int64_t start = 0; start < width; start += tile * FLOATS) {
      const int64_t count = std::min(tile * FLOATS, width - start), whole = count / FLOATS, over = count % FLOATS;
      const int64_t vectors = whole + (over > 0);
      const int32_t* label = labels + start;
      if (over) {
        std::fill_n(ends, vectors * FLOATS, -1);
        std::copy_n(label, count, ends);
        label = ends;
      }
      // Forwards. Each hidden layer's activations end with a row of ones.
      Floats* a = activations.get();
      for (int64_t i = 0; i < sizes[0]; i++) {
        const float* from = first + i * width + start;
        for (int64_t k = 0; k < whole; k++) a[i * stride + k] = tanh_of(load<Floats>(from + k * FLOATS) + weights[i]);
        if (over) {
          Floats end = {};
          std::memcpy(&end, from + whole * FLOATS, over * sizeof(float));
          a[i * stride + whole] = tanh_of(end + weights[i]);
        }
      }
      const float* w = weights + sizes[0];
      for (int64_t l = 1; l < layers; l++) {
        const int64_t ins = sizes[l - 1] + 1;
        std::fill_n(a + (ins - 1) * stride, vectors, every(1.f));
        Floats* above = l + 1 < layers ? a + ins * stride : ping.get();
        multiply(w, ins, 1, sizes[l], ins, a, above, vectors, stride);
        if (l + 1 < layers)
          for (int64_t j = 0; j < sizes[l]; j++)
            for (int64_t k = 0; k < vectors; k++) above[j * stride + k] = tanh_of(above[j * stride + k]);
        w += sizes[l] * ins;
        if (l + 1 < layers) a = above;
      }
      Floats *delta = ping.get(), *below = pong.get();
      loss[lane] += softmax(delta, sizes[layers - 1], label, vectors, stride, over > 0);
      // Back. `a` stands at the last hidden layer, `w` and `sum` behind the last layer's weights.
      Floats* sum = sums.get() + numbers;
      for (int64_t l = layers - 1; l > 0; l--) {
        const int64_t ins = sizes[l - 1] + 1;
        w -= sizes[l] * ins;
        sum -= sizes[l] * ins;
        accumulate(delta, sizes[l], a, ins, sum, vectors, stride);
        multiply(w, 1, ins, ins - 1, sizes[l], delta, below, vectors, stride);
        std::swap(delta, below);
        if (l == 1) break;
        for (int64_t i = 0; i < ins - 1; i++)
          for (int64_t k = 0; k < vectors; k++) delta[i * stride + k] *= 1.f - a[i * stride + k] * a[i * stride + k];
        a -= (sizes[l - 2] + 1) * stride;
      }
      for (int64_t i = 0; i < sizes[0]; i++) {
        float* to = first + i * width + start;
        Floats bias = {};
        for (int64_t k = 0; k < vectors; k++) {
          Floats value = delta[i * stride + k] * (1.f - a[i * stride + k] * a[i * stride + k]);
          bias += value;
          if (k < whole)
            store(to + k * FLOATS, value);
          else
            std::memcpy(to + k * FLOATS, &value, over * sizeof(float));
        }
        sums[i] += bias;
      }
    }
    for (int64_t k = 0; k < numbers; k++) gradient[lane * numbers + k] += total<float, FLOATS>(sums[k]);
  }
}

// The penalised mean loss (L) and its gradient (L, n), from sums over the samples: loss (L) of cross-entropies, first
// and rest of gradients, as `unpack` leaves the parameters. rows (L, n), penalty (n), trainable (networks, n) and the
// lanes' numbers in it.
void penalise(int64_t lanes, int64_t n, int64_t units, int64_t inputs, int64_t samples, const double* rows,
              const double* penalty, const double* trainable, const int64_t* numbers, const float* first,
              const float* rest, double* loss, double* gradient) {
  const double scale = 1.0 / (double)samples;
  for (int64_t lane = 0; lane < lanes; lane++) {
    const double *row = rows + lane * n, *mask = trainable + numbers[lane] * n;
    double* to = gradient + lane * n;
    auto penalised = [&](const float* from, int64_t start, int64_t count) {
      for (int64_t i = start; i < start + count; i++)
        to[i] = (from[i - start] + penalty[i] * row[i]) * scale * mask[i];
    };
    for (int64_t unit = 0; unit < units; unit++, first += inputs) {
      penalised(first, unit * (inputs + 1), inputs);
      penalised(rest++, unit * (inputs + 1) + inputs, 1);
    }
    const int64_t left = n - units * (inputs + 1);
    penalised(rest, n - left, left);
    rest += left;
    const double squares = sum_of(n, [=](int64_t i, auto kind) {
      auto value = load<decltype(kind)>(row + i);
      return load<decltype(kind)>(penalty + i) * value * value;
    });
    loss[lane] = (loss[lane] + 0.5 * squares) * scale;
  }
}

// The largest |gradient| (L), NaN if any is not a number, and gradient·direction (L), of rows (L, n).
void slopes(int64_t lanes, int64_t n, const double* gradient, const double* direction, double* largest, double* slope) {
  for (int64_t lane = 0; lane < lanes; lane++) {
    const double* g = gradient + lane * n;
    Doubles most = {};
    int64_t i = 0;
    for (; i + DOUBLES <= n; i += DOUBLES) {
      Doubles value = load<Doubles>(g + i);
      value = value < 0.0 ? -value : value;
      most = (value > most) | (value != value) ? value : most;
    }
    double found = 0;
    auto take = [&](double value) { found = value > found || value != value ? value : found; };
    for (int k = 0; k < DOUBLES; k++) take(most[k]);
    for (; i < n; i++) take(std::abs(g[i]));
    largest[lane] = found;
    slope[lane] = dot(g, direction + lane * n, n);
  }
}

// Trial points (L, n): z where the step is 1, else t + step d.
void trials(int64_t lanes, int64_t n, const double* step, const double* t, const double* d, const double* z,
            double* out) {
  for (int64_t lane = 0; lane < lanes; lane++) {
    const int64_t at = lane * n;
    if (step[lane] == 1.0)
      std::memcpy(out + at, z + at, n * sizeof(double));
    else
      for (int64_t i = at; i < at + n; i++) out[i] = t[i] + step[lane] * d[i];
  }
}

// Rows (L, n) from one array to another where the mask (L) holds.
void copy_rows(int64_t lanes, int64_t n, const uint8_t* mask, const double* from, double* to) {
  for (int64_t lane = 0; lane < lanes; lane++)
    if (mask[lane]) std::memcpy(to + lane * n, from + lane * n, n * sizeof(double));
}

#define FOR_PAIRS_OF(Number)                                                                                         \
  void remember_##Number(int64_t updates, int64_t n, int64_t stride, int64_t m, const int64_t* lanes,                \
                         const int64_t* places, const int64_t* slots, const double* steps, const double* d,          \
                         const double* g, const double* r, Number* pairs, double* y_y) {                             \
    remember(updates, n, stride, m, lanes, places, slots, steps, d, g, r, pairs, y_y);                               \
  }                                                                                                                  \
  void descend_##Number(int64_t lanes, int64_t n, int64_t stride, int64_t m, const uint8_t* mask,                    \
                        const int64_t* places, const int64_t* count, const int64_t* newest, const double* s_y,       \
                        const double* theta, const Number* pairs, const double* t, const double* r, double* z,       \
                        double* d, double* slope) {                                                                  \
    descend(lanes, n, stride, m, mask, places, count, newest, s_y, theta, pairs, t, r, z, d, slope);                 \
  }
FOR_PAIRS_OF(float)
FOR_PAIRS_OF(double)
}
