/**
 * Writing protocol-buffer messages (https://protobuf.dev/programming-guides/encoding): the few wire types that ONNX
 * models and TensorBoard events need. Little-endian hosts only, as every platform that ONNX Runtime runs on is.
 */

/** Payloads of at least this many bytes are kept by reference and copied once, in `finish`. */
const LARGE_PAYLOAD = 1024;

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

const utf8 = new TextEncoder();

/**
 * Builds one message, field by field; every method returns the writer. Fields are written in the order of the calls,
 * defaults included: leave a field out to leave it at its default.
 *
 * A large payload is referenced, not copied, until `finish`: do not change it before then.
 */
export class ProtoWriter {
  /** What is complete: full small buffers and large payloads, in order. */
  private readonly chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  /** Small fields gather here. */
  private small = new Uint8Array(64);
  private used = 0;

  /** An unsigned integer (uint32, uint64, enum; int32 and int64 too where it is not negative). */
  uint(field: number, value: number | bigint): this {
    return this.tag(field, VARINT).varint(value);
  }

  /** A signed integer of type int32 or int64: a negative one takes ten bytes (this is not the zigzag of sint64). */
  int64(field: number, value: number | bigint): this {
    return this.tag(field, VARINT).varint(value);
  }

  bool(field: number, value: boolean): this {
    return this.tag(field, VARINT).varint(value ? 1 : 0);
  }

  float(field: number, value: number): this {
    this.tag(field, FIXED_32).reserve(4);
    new DataView(this.small.buffer).setFloat32(this.used, value, true);
    this.used += 4;
    return this;
  }

  double(field: number, value: number): this {
    this.tag(field, FIXED_64).reserve(8);
    new DataView(this.small.buffer).setFloat64(this.used, value, true);
    this.used += 8;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.tag(field, LENGTH_DELIMITED).varint(value.byteLength).raw(value);
  }

  /** A nested message, filled by `write`. */
  message(field: number, write: (nested: ProtoWriter) => void): this {
    const nested = new ProtoWriter();
    write(nested);
    this.tag(field, LENGTH_DELIMITED).varint(nested.byteLength);
    for (const chunk of nested.chunks) this.raw(chunk);
    return this.raw(nested.small.subarray(0, nested.used));
  }

  /** A packed `repeated` of int32, int64, uint64 or enum. */
  packedInts(field: number, values: Iterable<number | bigint>): this {
    const payload = new ProtoWriter();
    for (const value of values) payload.varint(value);
    return this.bytes(field, payload.finish());
  }

  /** A packed `repeated float`. A Float32Array is taken as it lies. */
  packedFloats(field: number, values: Float32Array | readonly number[]): this {
    const floats = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.bytes(field, new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.chunkBytes + this.used;
  }

  /** The message as one new array. */
  finish(): Uint8Array<ArrayBuffer> {
    const message = new Uint8Array(this.byteLength);
    let offset = 0;
    for (const chunk of this.chunks) {
      message.set(chunk, offset);
      offset += chunk.byteLength;
    }
    message.set(this.small.subarray(0, this.used), offset);
    return message;
  }

  private tag(field: number, wireType: number): this {
    return this.varint(field * 8 + wireType);
  }

  /** Seven bits a byte, lowest first; negative values as their 64-bit two's complement. */
  private varint(value: number | bigint): this {
    this.reserve(10);
    if (typeof value === 'bigint' || value < 0) {
      let bits = BigInt.asUintN(64, BigInt(value));
      for (; bits > 0x7fn; bits >>= 7n) this.small[this.used++] = Number(bits & 0x7fn) | 0x80;
      this.small[this.used++] = Number(bits);
      return this;
    }
    // Division rather than shifts: shifts would cut a length above 4 GiB to 32 bits.
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.small[this.used++] = (rest % 128) | 0x80;
    this.small[this.used++] = rest;
    return this;
  }

  private raw(payload: Uint8Array): this {
    if (payload.byteLength < LARGE_PAYLOAD) {
      this.reserve(payload.byteLength);
      this.small.set(payload, this.used);
      this.used += payload.byteLength;
      return this;
    }
    if (this.used > 0) {
      this.chunks.push(this.small.subarray(0, this.used));
      this.chunkBytes += this.used;
      this.small = new Uint8Array(64);
      this.used = 0;
    }
    this.chunks.push(payload);
    this.chunkBytes += payload.byteLength;
    return this;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.small.byteLength) return;
    const larger = new Uint8Array(Math.max(this.used + bytes, this.small.byteLength * 2));
    larger.set(this.small.subarray(0, this.used));
    this.small = larger;
  }
}
