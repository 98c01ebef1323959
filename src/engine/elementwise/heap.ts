/** One WebAssembly memory for all buffers that passes work on. */

const PAGE = 65536;
/** Addresses have 32 bits. */
const MOST_PAGES = 65536;
/** Buffers begin at cache lines. */
const ALIGNMENT = 64;

interface Place {
  address: number;
  count: number;
}

/** Named arrays of floats in a memory that grows. */
export class Heap {
  /** What kernels import. Its `buffer` is another one after each growth, and all views are to be taken anew. */
  readonly memory = new WebAssembly.Memory({ initial: 0, maximum: MOST_PAGES });
  private readonly places = new Map<string, Place>();
  private end = 0;

  /** Makes room for buffers of so many elements; false, and nothing changes, where 4 GB are not enough. */
  reserve(buffers: Readonly<Record<string, number>>): boolean {
    const missing = Object.entries(buffers).filter(([name, count]) => this.places.get(name)?.count !== count);
    const sizes = missing.map(([, count]) => Math.ceil((4 * count) / ALIGNMENT) * ALIGNMENT);
    const pages = Math.ceil((this.end + sizes.reduce((a, b) => a + b, 0)) / PAGE);
    const present = this.memory.buffer.byteLength / PAGE;
    try {
      if (pages > present) this.memory.grow(pages - present);
    } catch {
      return false;
    }
    missing.forEach(([name, count], i) => {
      this.places.set(name, { address: this.end, count });
      this.end += sizes[i];
    });
    return true;
  }

  /** Where a buffer begins. */
  address(name: string): number {
    return this.places.get(name)!.address;
  }

  /** The buffer's values, valid until the next {@link reserve}; undefined for a name without a place. */
  view(name: string): Float32Array<ArrayBuffer> | undefined {
    const place = this.places.get(name);
    return place && new Float32Array(this.memory.buffer as ArrayBuffer, place.address, place.count);
  }
}
