// What becomes of a lane of L-BFGS after an evaluation. `steps.py` and `line_search.py` have the definitions in NumPy;
// the tests compare the two to the bit.
#include <algorithm>
#include <cmath>
#include <cstdint>

// A product is rounded before it is added to anything, as in NumPy.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

namespace {

enum Status { RUNNING, MAX_ITERATIONS, MAX_EVALUATIONS, CONVERGED_GRADIENT, CONVERGED_LOSS, ABNORMAL, NON_FINITE };
constexpr double FTOL = 1e-3, GTOL = 0.9, XTOL = 0.1, STEP_MIN = 0, STEP_MAX = 1e10, SHRINK = 0.66;
constexpr double EXTRAPOLATE_LOW = 1.1, EXTRAPOLATE_HIGH = 4, EPS = 0x1p-52;
constexpr int64_t TRIALS = 20;

// The smaller and the larger of two numbers, NaN if either is.
double smaller(double a, double b) { return a < b || a != a ? a : b; }
double larger(double a, double b) { return a > b || a != a ? a : b; }

struct Search {
  double stp, finit, ginit, stx, fx, gx, sty, fy, gy, stmin, stmax, width, width1, brackt, stage;
};
static_assert(sizeof(Search) == 15 * sizeof(double));

struct Cubic {
  double theta, gamma;
};

Cubic cubic(double end, double f_end, double d_end, double stp, double fp, double dp) {
  const double theta = 3.0 * (f_end - fp) / (stp - end) + d_end + dp;
  const double scale = larger(larger(std::fabs(theta), std::fabs(d_end)), std::fabs(dp)), ratio = theta / scale;
  const double discriminant = ratio * ratio - (d_end / scale) * (dp / scale);
  return {theta, scale * std::sqrt(larger(discriminant, 0.0))};
}

// `dcstep`: the next step from the trial s.stp with value fp and slope dp, and the interval that holds a minimiser.
void step(Search& s, double fp, double dp) {
  const double stp = s.stp, stx = s.stx, sign = (s.gx > 0) - (s.gx < 0);
  const bool higher = fp > s.fx, opposite = dp * sign < 0, flatter = std::fabs(dp) < std::fabs(s.gx), back = stp > stx;
  auto [theta, gamma] = cubic(stx, s.fx, s.gx, stp, fp, dp);
  double next;
  if (higher) {
    if (stp < stx) gamma = -gamma;
    const double ratio = ((gamma - s.gx) + theta) / (((gamma - s.gx) + gamma) + dp);
    const double stpc = stx + ratio * (stp - stx);
    const double stpq = stx + ((s.gx / ((s.fx - fp) / (stp - stx) + s.gx)) / 2.0) * (stp - stx);
    next = std::fabs(stpc - stx) <= std::fabs(stpq - stx) ? stpc : stpc + (stpq - stpc) / 2.0;
  } else if (opposite || flatter) {
    if (back) gamma = -gamma;
    const double secant = stp + (dp / (dp - s.gx)) * (stx - stp);
    if (opposite) {
      const double ratio = ((gamma - dp) + theta) / (((gamma - dp) + gamma) + s.gx);
      const double stpc = stp + ratio * (stx - stp);
      next = std::fabs(stpc - stp) > std::fabs(secant - stp) ? stpc : secant;
    } else {
      const double ratio = ((gamma - dp) + theta) / ((gamma + (s.gx - dp)) + gamma);
      const double stpc = ratio < 0 && gamma != 0 ? stp + ratio * (stx - stp) : back ? s.stmax : s.stmin;
      const double by_cubic = std::fabs(stpc - stp), by_secant = std::fabs(secant - stp);
      if (s.brackt) {
        const double inside = by_cubic < by_secant ? stpc : secant, bound = stp + SHRINK * (s.sty - stp);
        next = back ? smaller(bound, inside) : larger(bound, inside);
      } else {
        next = smaller(larger(by_cubic > by_secant ? stpc : secant, s.stmin), s.stmax);
      }
    }
  } else if (s.brackt) {
    auto [theta, gamma] = cubic(s.sty, s.fy, s.gy, stp, fp, dp);
    if (stp > s.sty) gamma = -gamma;
    const double ratio = ((gamma - dp) + theta) / (((gamma - dp) + gamma) + s.gy);
    next = stp + ratio * (s.sty - stp);
  } else {
    next = back ? s.stmax : s.stmin;
  }
  if (higher || opposite) s.brackt = 1;
  if (higher) {
    s.sty = stp, s.fy = fp, s.gy = dp;
  } else {
    if (opposite) s.sty = stx, s.fy = s.fx, s.gy = s.gx;
    s.stx = stp, s.fx = fp, s.gx = dp;
  }
  s.stp = next;
}

// `dcsrch` with value f and slope g at the trial step: whether the search has ended, else its next trial.
bool update(Search& s, double f, double g) {
  const double gtest = FTOL * s.ginit, ftest = s.finit + s.stp * gtest;
  if ((s.brackt && (s.stp <= s.stmin || s.stp >= s.stmax || s.stmax - s.stmin <= XTOL * s.stmax)) ||
      (s.stp == STEP_MAX && f <= ftest && g <= gtest) || (s.stp == STEP_MIN && (f > ftest || g >= gtest)) ||
      (f <= ftest && std::fabs(g) <= GTOL * -s.ginit))
    return true;
  if (s.stage == 1 && f <= ftest && g >= 0) s.stage = 2;
  const double shift = s.stage == 1 && f <= s.fx && f > ftest ? gtest : 0.0;
  s.fx -= s.stx * shift, s.gx -= shift;
  s.fy -= s.sty * shift, s.gy -= shift;
  step(s, f - s.stp * shift, g - shift);
  s.fx += s.stx * shift, s.gx += shift;
  s.fy += s.sty * shift, s.gy += shift;
  const double span = std::fabs(s.sty - s.stx);
  if (s.brackt) {
    if (span >= SHRINK * s.width1) s.stp = s.stx + 0.5 * (s.sty - s.stx);
    s.width1 = s.width, s.width = span;
    s.stmin = smaller(s.stx, s.sty), s.stmax = larger(s.stx, s.sty);
  } else {
    s.stmin = s.stp + EXTRAPOLATE_LOW * (s.stp - s.stx), s.stmax = s.stp + EXTRAPOLATE_HIGH * (s.stp - s.stx);
  }
  s.stp = smaller(larger(s.stp, STEP_MIN), STEP_MAX);
  if (s.brackt && (s.stp <= s.stmin || s.stp >= s.stmax || s.stmax - s.stmin <= XTOL * s.stmax)) s.stp = s.stx;
  return false;
}
}  // namespace

extern "C" {

// `steps.judge` of the lanes that run. tolerances: gtol and ftol. search (L, 15); masks (3, L): accepted, forgotten and
// begun; reals (3, L): curvature, taken and the next step. All others (L).
void judge(int64_t lanes, int64_t max_iterations, int64_t max_evaluations, const double* tolerances, const double* f,
           const double* largest, const double* slopes, const double* before, const int64_t* kept, double* fold,
           double* search, int64_t* trials, int64_t* iterations, int64_t* evaluations, int64_t* status,
           double* reals, bool* masks) {
  std::fill_n(masks, 3 * lanes, false);
  std::fill_n(reals, 2 * lanes, 0.);
  for (int64_t l = 0; l < lanes; l++) {
    Search& s = reinterpret_cast<Search*>(search)[l];
    double& next = reals[2 * lanes + l];
    next = s.stp;
    if (status[l] != RUNNING) continue;
    evaluations[l]++;
    trials[l]++;
    if (!std::isfinite(f[l]) || !std::isfinite(largest[l])) {
      status[l] = NON_FINITE;
      continue;
    }
    const double stp = s.stp, slope = slopes[l], start = before[l], old = fold[l];
    if (trials[l] == 1)
      s = {stp, old, start, 0, old, start, 0, old, start, 0, stp + EXTRAPOLATE_HIGH * stp, STEP_MAX - STEP_MIN,
           2 * (STEP_MAX - STEP_MIN), 0, 1};
    const bool ended = update(s, f[l], slope), rising = !(start < 0);
    if (rising || (!ended && trials[l] >= TRIALS)) {
      masks[lanes + l] = true;
      if (kept[l] == 0) status[l] = ABNORMAL;
    } else if (ended) {
      masks[l] = true;
      iterations[l]++;
      fold[l] = f[l];
      if (iterations[l] >= max_iterations) status[l] = MAX_ITERATIONS;
      else if (evaluations[l] > max_evaluations) status[l] = MAX_EVALUATIONS;
      else if (largest[l] <= tolerances[0]) status[l] = CONVERGED_GRADIENT;
      else if (old - f[l] <= tolerances[1] * larger(larger(std::fabs(old), std::fabs(f[l])), 1.0))
        status[l] = CONVERGED_LOSS;
      const double curvature = (slope - start) * stp;
      if (status[l] == RUNNING && curvature > EPS * (-start * stp)) reals[l] = curvature, reals[lanes + l] = stp;
    }
    if (status[l] == RUNNING && (masks[l] || masks[lanes + l])) {
      masks[2 * lanes + l] = true;
      s.stp = 1;
      trials[l] = 0;
    }
    next = s.stp;
  }
}
}
