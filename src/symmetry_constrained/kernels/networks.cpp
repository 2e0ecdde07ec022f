// The loss and gradient of tanh networks in float32, between the two matrix products with the inputs, each one pass over
// memory. `eager.py` has the definitions in PyTorch; the tests compare the two.
#include <algorithm>
#include <cmath>
#include <memory>

#include "vectors.h"

namespace {

// Sums kept in registers at once: of a product with activations, ROWS x COLUMNS; of a gradient, SIDE x SIDE.
constexpr int ROWS = 5, COLUMNS = BYTES == 64 ? 4 : 2, SIDE = BYTES == 64 ? 5 : 3;
constexpr int64_t TILE_BYTES = 24576;  // of activations, so that a tile stays in the level-1 cache
constexpr int64_t LONGEST_TILE = 12;   // vectors: `softmax` multiplies as many sums, each at most the number of classes

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
      logit = larger(every(FLOOR), logit);
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
}  // namespace

extern "C" {

// Rows of parameters (L, n) in float32: the first layer's weights (L, units, inputs), and the rest
// (L, n - units inputs), its biases before the layers above. What will be added to is zero: by_first and by_rest of the
// same shapes, and loss (L).
void unpack(int64_t lanes, int64_t n, int64_t units, int64_t inputs, const double* rows, float* first, float* rest,
            float* by_first, float* by_rest, double* loss) {
  std::fill_n(by_first, lanes * units * inputs, 0.f);
  std::fill_n(by_rest, lanes * (n - units * inputs), 0.f);
  std::fill_n(loss, lanes, 0.);
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
// each (fan_out, fan_in + 1), the bias last. labels (width): a network's are `apart` from those before, 0 if all share
// them.
// Added to: loss (L), the sum of cross-entropies, and gradient (L, R), by `rest`.
void through_layers(int64_t layers, int64_t lanes, int64_t width, int64_t apart, const int64_t* sizes, float* products,
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
      const int32_t* label = labels + lane * apart + start;
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
// and rest of gradients, as `unpack` leaves the parameters. rows (L, n), penalty (n), numbers (L): the rows of
// trainable (networks, n) that are these networks'.
void penalise(int64_t lanes, int64_t n, int64_t units, int64_t inputs, int64_t samples, const double* rows,
              const double* penalty, const int64_t* numbers, const double* trainable, const float* first,
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
}
