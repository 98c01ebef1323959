/** A bounded amount that several requests share: bytes of bodies, places in the queue, decoders. */

/** So much there is; what is taken must be given back. */
export class Budget {
  private used = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(readonly capacity: number) {}

  /** What is taken at the moment. */
  get taken(): number {
    return this.used;
  }

  /** Takes `amount` if there is so much left. */
  take(amount: number): boolean {
    if (this.used + amount > this.capacity) return false;
    this.used += amount;
    return true;
  }

  /** Gives back what was taken. */
  give(amount: number): void {
    this.used -= amount;
    while (this.waiting.length > 0 && this.used < this.capacity) {
      this.used++;
      this.waiting.shift()!();
    }
  }

  /** Does `work` with one of the capacity, first come, first served. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    if (!this.take(1)) await new Promise<void>((resume) => this.waiting.push(resume));
    try {
      return await work();
    } finally {
      this.give(1);
    }
  }
}
