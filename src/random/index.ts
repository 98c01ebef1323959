/**
 * Counter-based randomness: every draw is a pure function of an explicit key, so that the same seed gives the same
 * masks, dropout, shuffles and initial values on every device and after every resume. There is no hidden state.
 */
export { beta } from './beta.js';
export { choose, fold, keyFrom, normal, permutation, subset, uniform } from './draws.js';
export { bits, type Key } from './threefry.js';
export { TRUNCATED_DEVIATION, truncatedNormal } from './truncatedNormal.js';
