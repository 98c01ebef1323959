/** Reading protocol-buffer messages without a schema: the fields one after the other, each read as its caller knows it. */

import { ensure, HiperceiverError } from '../errors/index.js';

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** One field of a message. Its payload is a view into the message's bytes; the accessors decode it. */
export class ProtoField {
  constructor(
    /** The number that the schema gives the field. */
    readonly number: number,
    /** 0 varint, 1 fixed 64 bits, 2 length-delimited, 5 fixed 32 bits. */
    readonly wireType: number,
    private readonly payload: Uint8Array,
  ) {}

  /** An integer of any type but sint; above 2^53 the nearest number (see {@link bigint}). */
  int64(): number {
    return Number(this.bigint());
  }

  /** An unsigned integer; above 2^53 the nearest number. */
  uint(): number {
    return Number(BigInt.asUintN(64, this.bigint()));
  }

  /** An integer as its signed 64 bits. */
  bigint(): bigint {
    return readVarint(this.expect(VARINT), 0).value;
  }

  bool(): boolean {
    return this.bigint() !== 0n;
  }

  float(): number {
    return dataView(this.expect(FIXED_32)).getFloat32(0, true);
  }

  double(): number {
    return dataView(this.expect(FIXED_64)).getFloat64(0, true);
  }

  string(): string {
    return new TextDecoder().decode(this.expect(LENGTH_DELIMITED));
  }

  /** The payload, as a view. */
  bytes(): Uint8Array {
    return this.expect(LENGTH_DELIMITED);
  }

  /** The fields of a nested message. */
  message(): Generator<ProtoField> {
    return readFields(this.expect(LENGTH_DELIMITED));
  }

  /** A `repeated` of integers: packed, or one element of an unpacked one. */
  ints(): number[] {
    if (this.wireType === VARINT) return [this.int64()];
    const bytes = this.expect(LENGTH_DELIMITED);
    const values: number[] = [];
    for (let offset = 0; offset < bytes.byteLength; ) {
      const { value, end } = readVarint(bytes, offset);
      values.push(Number(value));
      offset = end;
    }
    return values;
  }

  /** A `repeated float`: packed, or one element of an unpacked one. */
  floats(): Float32Array {
    if (this.wireType === FIXED_32) return Float32Array.of(this.float());
    const bytes = this.expect(LENGTH_DELIMITED);
    ensure(
      bytes.byteLength % 4 === 0,
      () => `Protobuf field ${this.number} is no list of floats: ${bytes.byteLength} bytes.`,
    );
    return new Float32Array(bytes.slice().buffer);
  }

  private expect(wireType: number): Uint8Array {
    ensure(
      this.wireType === wireType,
      () =>
        `Protobuf field ${this.number} has wire type ${this.wireType} where ${wireType} was expected: the file has another format.`,
    );
    return this.payload;
  }
}

/**
 * The fields of a message in the order of the bytes.
 * @throws HiperceiverError where the bytes are cut off or are no protobuf message.
 */
export function* readFields(message: Uint8Array): Generator<ProtoField> {
  for (let offset = 0; offset < message.byteLength; ) {
    const tag = readVarint(message, offset);
    const key = Number(BigInt.asUintN(64, tag.value));
    const wireType = key % 8;
    const field = Math.floor(key / 8);
    ensure(field > 0, () => `Byte ${offset} starts no protobuf field: the data is damaged or has another format.`);
    const { start, end } = payloadRange(message, tag.end, wireType);
    ensure(
      end <= message.byteLength,
      () => `Protobuf field ${field} ends ${end - message.byteLength} bytes past the end of the data: it is cut off.`,
    );
    yield new ProtoField(field, wireType, message.subarray(start, end));
    offset = end;
  }
}

function payloadRange(message: Uint8Array, offset: number, wireType: number): { start: number; end: number } {
  switch (wireType) {
    case VARINT:
      return { start: offset, end: readVarint(message, offset).end };
    case FIXED_64:
      return { start: offset, end: offset + 8 };
    case FIXED_32:
      return { start: offset, end: offset + 4 };
    case LENGTH_DELIMITED: {
      const length = readVarint(message, offset);
      return { start: length.end, end: length.end + Number(BigInt.asUintN(64, length.value)) };
    }
    default:
      throw new HiperceiverError(
        `Protobuf wire type ${wireType} is not in use: the data is damaged or has another format.`,
      );
  }
}

/** The varint at `offset` as a signed 64-bit integer, and where it ends. */
function readVarint(bytes: Uint8Array, offset: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    ensure(offset + i < bytes.byteLength, () => 'A protobuf integer is cut off at the end of the data.');
    const byte = bytes[offset + i];
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), end: offset + i + 1 };
  }
  throw new HiperceiverError(`The protobuf integer at byte ${offset} has more than ten bytes: the data is damaged.`);
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
