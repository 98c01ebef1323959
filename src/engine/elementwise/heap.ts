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

/** A part of the memory that programs use in turn. */
interface Span {
  address: number;
  bytes: number;
}

/** Named arrays of floats in a memory that grows. */
export class Heap {
  /** What kernels import. Its `buffer` is another one after each growth, and all views are to be taken anew. */
  readonly memory = new WebAssembly.Memory({ initial: 0, maximum: MOST_PAGES });
  private readonly places = new Map<string, Place>();
  private readonly shared: Span[] = [];
  private end = 0;

  /**
   * Makes room for buffers of so many elements; false, and nothing changes, where 4 GB are not enough.
   * @param passing those that lie, together, where the passing ones of earlier calls lie
   */
  reserve(buffers: Readonly<Record<string, number>>, passing: readonly string[] = []): boolean {
    const isPassing = new Set(passing);
    const absent = Object.entries(buffers).filter(([name, count]) => this.places.get(name)?.count !== count);
    // Passing ones lie side by side, large ones first: what comes later then finds room between them.
    const missing = [
      ...absent.filter(([name]) => isPassing.has(name)).sort(([, a], [, b]) => b - a),
      ...absent.filter(([name]) => !isPassing.has(name)),
    ];
    const free = this.shared.map((span) => ({ ...span }));
    const fresh: Span[] = [];
    let { end } = this;
    const places = missing.map(([name, count]): [string, Place] => {
      const bytes = Math.ceil((4 * count) / ALIGNMENT) * ALIGNMENT;
      const span = isPassing.has(name) ? free.find((s) => s.bytes >= bytes) : undefined;
      const address = span?.address ?? end;
      if (span) Object.assign(span, { address: address + bytes, bytes: span.bytes - bytes });
      else {
        end += bytes;
        if (isPassing.has(name)) fresh.push({ address, bytes });
      }
      return [name, { address, count }];
    });
    const pages = Math.ceil(end / PAGE);
    const present = this.memory.buffer.byteLength / PAGE;
    try {
      if (pages > present) this.memory.grow(pages - present);
    } catch {
      return false;
    }
    for (const [name, place] of places) this.places.set(name, place);
    this.shared.push(...fresh);
    merge(this.shared);
    this.end = end;
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

/** Joins spans that touch. */
function merge(spans: Span[]): void {
  spans.sort((a, b) => a.address - b.address);
  for (let i = spans.length - 1; i > 0; i--) {
    const before = spans[i - 1];
    if (before.address + before.bytes !== spans[i].address) continue;
    before.bytes += spans[i].bytes;
    spans.splice(i, 1);
  }
}
