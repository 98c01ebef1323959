/** Bytes read one after the other, of which nothing beyond the end is believed. */

/** Why a pickle is not read: a short reason that follows the file's name, such as `calls posix.system`. */
export class PickleRefusal extends Error {
  override name = 'PickleRefusal';
}

/** The bytes ended before the pickle did: more of the file may help. */
export class PickleCutOff extends PickleRefusal {
  override name = 'PickleCutOff';
}

/** Integers of more bytes or digits than this occur in no checkpoint, and cost quadratic time. */
const LONGEST_INTEGER = 1024;

/** A position in bytes; every read moves it on. */
export class Cursor {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    public at = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves over `count` bytes and gives where they begin. @throws PickleCutOff where there are fewer. */
  private skip(count: number): number {
    if (count > this.bytes.length - this.at) throw new PickleCutOff('is cut off or damaged inside its pickle');
    const begin = this.at;
    this.at += count;
    return begin;
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const begin = this.skip(count);
    return this.bytes.subarray(begin, begin + count);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** A length of eight bytes. One beyond 2^53 becomes a number that no file has bytes for. */
  u64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** Big-endian, as pickles have it. */
  f64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** A two's complement integer of `count` bytes, little-endian. */
  integer(count: number): number | bigint {
    if (count < 0 || count > LONGEST_INTEGER)
      throw new PickleRefusal(`is damaged: it claims an integer of ${count} bytes`);
    const bytes = this.take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return narrow(BigInt.asIntN(8 * count, value));
  }

  /** UTF-8 text of `count` bytes. */
  text(count: number): string {
    return decoder.decode(this.take(count));
  }

  /** Text up to the next line feed, which is passed over. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new PickleCutOff('is cut off or damaged inside its pickle');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A decimal integer on a line of its own, perhaps with Python 2's final `L`. */
  decimal(): number | bigint {
    const text = this.line().replace(/L$/, '');
    if (!/^[-+]?\d+$/.test(text) || text.length > LONGEST_INTEGER)
      throw new PickleRefusal('is damaged: its pickle holds an integer without digits');
    return narrow(BigInt(text));
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Integers are numbers as far as these are exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
