// The optimiser's inner loops: the pairs of L-BFGS in float32 or float64, everything else in float64. `eager.py` has the
// definitions in PyTorch; the tests compare the two.
#include <algorithm>
#include <cmath>
#include <memory>

#include "vectors.h"

namespace {

// q += scale a, then the product q·b; n numbers each.
template <class Number>
double add_and_dot(double* q, double scale, const Number* a, const Number* b, int64_t n) {
  return sum_of(n, [=](int64_t i, auto kind) {
    auto value = load<decltype(kind)>(q + i) + scale * widened<decltype(kind)>(a + i);
    store(q + i, value);
    return value * widened<decltype(kind)>(b + i);
  });
}

// `advance`, for pairs in one precision.
template <class Number>
struct Memory {
  const int64_t n, stride, m;
  Number *const s, *const y;  // (m, stride) each
  const double* const s_y;  // (m) by slot
  double *const q, *const weights;  // (n) and (m) scratch

  // Write the pair s = step d, y = now - then into a slot; returns y·y.
  double remember(int64_t slot, double step, const double* d, const double* now, const double* then) {
    Number *moved = s + slot * stride, *change = y + slot * stride;
    for (int64_t i = 0; i < n; i++) moved[i] = (Number)(step * d[i]);
    for (int64_t i = 0; i < n; i++) change[i] = (Number)(now[i] - then[i]);
    return sum_of(n, [=](int64_t i, auto kind) {
      auto value = load<decltype(kind)>(now + i) - load<decltype(kind)>(then + i);
      return value * value;
    });
  }

  // d = fl(fl(t - H r) - t) by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) over the `count` newest
  // pairs, slot by slot back from `newest`, with H0 = I / theta; returns r·d.
  double descend(int64_t count, int64_t newest, double theta, const double* t, const double* r, double* d) {
    auto slot = [&](int64_t age) { return (newest - age + m) % m; };
    std::memcpy(q, r, n * sizeof(double));
    // One pass over q for each s and y: add a multiple of it, and take the product with the vector that comes next.
    double along = count ? dot(q, s + slot(0) * stride, n) : 0;
    for (int64_t age = 0; age < count; age++) {
      const int64_t here = slot(age);
      const Number* next = age + 1 < count ? s + slot(age + 1) * stride : y + here * stride;
      weights[age] = along / s_y[here];
      along = add_and_dot(q, -weights[age], y + here * stride, next, n);
    }
    const double gamma = 1 / theta;
    for (int64_t i = 0; i < n; i++) q[i] *= gamma;
    along *= gamma;
    for (int64_t age = count - 1; age >= 0; age--) {
      const int64_t here = slot(age);
      const Number* next = age > 0 ? y + slot(age - 1) * stride : s + here * stride;  // the last product is not used
      along = add_and_dot(q, weights[age] - along / s_y[here], s + here * stride, next, n);
    }
    for (int64_t i = 0; i < n; i++) d[i] = (t[i] - q[i]) - t[i];
    return dot(r, d, n);
  }
};

template <class Number>
void advance_as(int64_t lanes, int64_t n, int64_t stride, int64_t m, const double* curvature, const double* taken,
                const bool* accepted, const bool* forgotten, const bool* begun, const double* step,
                const int64_t* places, int64_t* count, int64_t* newest, double* s_y, double* theta, Number* pairs,
                double* x, double* t, const double* g, double* r, double* d, double* slope, bool* lost) {
  std::unique_ptr<Doubles[]> scratch(new Doubles[n / DOUBLES + 1]);
  std::unique_ptr<double[]> weights(new double[m]);
  double* q = reinterpret_cast<double*>(scratch.get());
  for (int64_t l = 0; l < lanes; l++, x += n, t += n, g += n, r += n, d += n) {
    Number* s = pairs + places[l] * 2 * m * stride;
    Memory<Number> memory{n, stride, m, s, s + m * stride, s_y + l * m, q, weights.get()};
    auto forget = [&] { count[l] = 0, newest[l] = m - 1, theta[l] = 1; };
    auto descends = [&] {
      slope[l] = memory.descend(count[l], newest[l], theta[l], t, r, d);
      return slope[l] < 0;
    };
    if (curvature[l] > 0) {
      newest[l] = (newest[l] + 1) % m;
      count[l] = std::min(count[l] + 1, m);
      s_y[l * m + newest[l]] = curvature[l];
      theta[l] = memory.remember(newest[l], taken[l], d, g, r) / curvature[l];
    }
    if (accepted[l]) {
      std::memcpy(t, x, n * sizeof(double));
      std::memcpy(r, g, n * sizeof(double));
    }
    if (forgotten[l]) forget();
    lost[l] = false;
    if (begun[l] && !(descends() && std::isfinite(slope[l]))) {
      lost[l] = count[l] == 0;
      forget();
      if (!descends()) lost[l] = true;
    }
    const double far = step[l];
    for (int64_t i = 0; i < n; i++) x[i] = t[i] + far * d[i];
  }
}
}  // namespace

extern "C" {

// What L lanes do between two evaluations, each for those of its mask (L), in this order. Write the pair s = taken d,
// y = g - r where its product, `curvature`, is above 0, into the next slot of pairs (places, 2m, stride >= n), each
// lane's at its place: m steps s, then m differences y, in numbers of so many bytes (4 or 8). `accepted`: from now on
// the search begins at x, t <- x and r <- g. `forgotten`: empty the memory. `begun`: take a new direction d, of slope
// r·d; without its memory, where it is not finite or does not descend, and lost if that doesn't help. Then all:
// x = t + step d, which for a step of 1 is fl(t - H r), as rounded as that was.
// Memory: `count` pairs back from the slot `newest`, s_y (L, m) their products by slot, H0 = I / theta. Rows have n.
void advance(int64_t bytes, int64_t lanes, int64_t n, int64_t stride, int64_t m, const double* curvature,
             const double* taken, const bool* accepted, const bool* forgotten, const bool* begun, const double* step,
             const int64_t* places, int64_t* count, int64_t* newest, double* s_y, double* theta, void* pairs,
             double* x, double* t, const double* g, double* r, double* d, double* slope, bool* lost) {
  auto with = [&](auto* numbers) {
    advance_as(lanes, n, stride, m, curvature, taken, accepted, forgotten, begun, step, places, count, newest, s_y,
               theta, numbers, x, t, g, r, d, slope, lost);
  };
  if (bytes == sizeof(float)) with((float*)pairs);
  else with((double*)pairs);
}

// For rows (L, n): the largest |gradient| (L), NaN if any component is NaN, and the products gradient·direction (L).
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
    double maximum = 0;
    auto take = [&](double value) { maximum = value > maximum || value != value ? value : maximum; };
    for (int k = 0; k < DOUBLES; k++) take(most[k]);
    for (; i < n; i++) take(std::abs(g[i]));
    largest[lane] = maximum;
    slope[lane] = dot(g, direction + lane * n, n);
  }
}
}
