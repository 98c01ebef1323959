/**
 * ONNX Runtime's CPU allocator played through: how much memory its arena comes to touch for a sequence of allocations.
 * Regions double in size; a request takes the smallest free chunk that is large enough, which is split where at least
 * half of it would be left; freed neighbours merge; nothing is given back.
 */

const ALIGNMENT = 256;
const FIRST_REGION = 1 << 20;
const LARGEST_DOUBLING = 2 ** 30;
/** A chunk with more than this to spare is split even where less than half would be left. */
const LARGEST_REST = 128 * 2 ** 20;
/** Memory counts once it is written to; finer bookkeeping than this changes nothing. */
const BLOCK = 1 << 16;

interface Region {
  id: number;
  touched: Uint8Array;
}

/** A contiguous part of a region, in use or free. */
export interface Chunk {
  region: Region;
  at: number;
  size: number;
  free: boolean;
  before?: Chunk;
  after?: Chunk;
}

/** An arena that counts instead of holding. */
export class Arena {
  private nextRegion = FIRST_REGION;
  private readonly regions: Region[] = [];
  private readonly free = new Set<Chunk>();

  /** Bytes that were ever written to. */
  get touchedBytes(): number {
    return this.regions.reduce((total, { touched }) => total + BLOCK * touched.reduce((n, t) => n + t, 0), 0);
  }

  /** Takes a chunk of at least so many bytes, and writes to them. */
  allocate(bytes: number): Chunk {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const chunk = this.bestFit(size) ?? this.extend(size);
    this.free.delete(chunk);
    chunk.free = false;
    if (chunk.size >= 2 * size || chunk.size - size >= LARGEST_REST) this.split(chunk, size);
    chunk.region.touched.fill(1, Math.floor(chunk.at / BLOCK), Math.ceil((chunk.at + bytes) / BLOCK));
    return chunk;
  }

  /** Gives a chunk back; what it touched stays touched. */
  release(chunk: Chunk): void {
    let merged = chunk;
    merged.free = true;
    if (merged.after?.free) this.merge(merged, merged.after);
    if (merged.before?.free) {
      const { before } = merged;
      this.merge(before, merged);
      merged = before;
    }
    this.free.add(merged);
  }

  private bestFit(size: number): Chunk | undefined {
    let best: Chunk | undefined;
    for (const chunk of this.free) {
      if (chunk.size >= size && (!best || isBefore(chunk, best))) best = chunk;
    }
    return best;
  }

  private extend(size: number): Chunk {
    const doubles = size <= this.nextRegion;
    while (size > this.nextRegion) this.nextRegion *= 2;
    const region = { id: this.regions.length, touched: new Uint8Array(Math.ceil(this.nextRegion / BLOCK)) };
    const chunk = { region, at: 0, size: this.nextRegion, free: true };
    if (doubles && this.nextRegion < LARGEST_DOUBLING) this.nextRegion *= 2;
    this.regions.push(region);
    this.free.add(chunk);
    return chunk;
  }

  private split(chunk: Chunk, size: number): void {
    const rest: Chunk = {
      region: chunk.region,
      at: chunk.at + size,
      size: chunk.size - size,
      free: true,
      before: chunk,
      after: chunk.after,
    };
    if (chunk.after) chunk.after.before = rest;
    chunk.after = rest;
    chunk.size = size;
    this.free.add(rest);
  }

  private merge(first: Chunk, second: Chunk): void {
    this.free.delete(second);
    first.size += second.size;
    first.after = second.after;
    if (second.after) second.after.before = first;
  }
}

function isBefore(a: Chunk, b: Chunk): boolean {
  return (a.size - b.size || a.region.id - b.region.id || a.at - b.at) < 0;
}
