// Vectors of numbers as wide as the processor's registers, and sums over long rows of them.
#pragma once

#include <cstdint>
#include <cstring>
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
}  // namespace
