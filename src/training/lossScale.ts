/**
 * Loss scaling (Micikevicius et al. 2018, arXiv 1710.03740). Halves end at 6e-8 below and 65504 above, and gradients are
 * often smaller than that: so the loss is multiplied by a power of two, and the gradients, in f32 again, are divided by it.
 * The factor is halved where a gradient becomes infinite, and that update is left out; it is doubled after many that were
 * not, as PyTorch's GradScaler does.
 */

const FIRST_SCALE = 2 ** 16;
/** Updates without an infinite gradient after which a larger factor is tried. */
const GROWTH_INTERVAL = 2000;
/** Below it there is nothing left to give: the gradients themselves are too large for halves. */
const SMALLEST_SCALE = 1;

/** What a resumed run needs to go on alike. */
export interface LossScaleState {
  scale: number;
  /** Updates made since the factor changed last. */
  steady: number;
  /** Updates left out in all. */
  skipped: number;
}

/** The factor on the loss, and what becomes of it. */
export class LossScale {
  constructor(private state: LossScaleState = { scale: FIRST_SCALE, steady: 0, skipped: 0 }) {}

  /** The factor of the next gradient. */
  get value(): number {
    return this.state.scale;
  }

  /** Updates left out so far. */
  get skipped(): number {
    return this.state.skipped;
  }

  /** Whether gradients were infinite even without a factor. */
  get isExhausted(): boolean {
    return this.state.scale < SMALLEST_SCALE;
  }

  /** Takes note of an update: whether its gradient was finite, and so applied. */
  record(finite: boolean): void {
    const { scale, steady, skipped } = this.state;
    if (!finite) this.state = { scale: scale / 2, steady: 0, skipped: skipped + 1 };
    else if (steady + 1 < GROWTH_INTERVAL) this.state = { scale, steady: steady + 1, skipped };
    else this.state = { scale: scale * 2, steady: 0, skipped };
  }

  /** A copy of the state, to be saved. */
  save(): LossScaleState {
    return { ...this.state };
  }
}
