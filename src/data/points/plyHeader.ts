/** What a PLY file declares about itself. */
import { ensure } from '../../errors/index.js';
import { parseCount, quoted } from './lines.js';

/** How the records are stored. */
export type PlyFormat = 'ascii' | 'binary_little_endian' | 'binary_big_endian';

/** A type of scalars: bytes, and how to read it from binary. */
interface Scalar {
  size: 1 | 2 | 4 | 8;
  read: (view: DataView, at: number, little: boolean) => number;
}

const scalar = (size: Scalar['size'], read: Scalar['read']): Scalar => ({ size, read });
const int8 = scalar(1, (view, at) => view.getInt8(at));
const uint8 = scalar(1, (view, at) => view.getUint8(at));
const int16 = scalar(2, (view, at, little) => view.getInt16(at, little));
const uint16 = scalar(2, (view, at, little) => view.getUint16(at, little));
const int32 = scalar(4, (view, at, little) => view.getInt32(at, little));
const uint32 = scalar(4, (view, at, little) => view.getUint32(at, little));
const float32 = scalar(4, (view, at, little) => view.getFloat32(at, little));
const float64 = scalar(8, (view, at, little) => view.getFloat64(at, little));

/** The types by both of their names in use. */
export const SCALARS: Readonly<Record<string, Scalar>> = {
  ...{
    char: int8,
    uchar: uint8,
    short: int16,
    ushort: uint16,
    int: int32,
    uint: uint32,
    float: float32,
    double: float64,
  },
  ...{ int8, uint8, int16, uint16, int32, uint32, float32, float64 },
};

/** A number or, with `count`, a list of numbers of each record. */
export interface Property {
  name: string;
  type: string;
  /** Type of a list's length. */
  count?: string;
}

/** A kind of record: `vertex`, `face`, … */
export interface Element {
  name: string;
  count: number;
  properties: Property[];
}

/** Longer headers are no headers. */
const LONGEST = 1 << 16;

/** Reads the header; `start` is where the records begin. @throws HiperceiverError with a short reason */
export function plyHeader(bytes: Uint8Array): { format: PlyFormat; elements: Element[]; start: number } {
  const text = Buffer.from(bytes.slice(0, LONGEST)).toString('latin1');
  const end = /(?:^|[\r\n])end_header[ \t]*(?:\r\n|\n|\r|$)/.exec(text);
  ensure(end, () => 'its header does not end in "end_header"');
  let format: PlyFormat | undefined;
  const elements: Element[] = [];
  for (const line of text
    .slice(0, end.index)
    .split(/\r\n|\n|\r/)
    .slice(1)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === 'format') format = words[1] as PlyFormat;
    else if (words[0] === 'element')
      elements.push({
        name: words[1] ?? '',
        count: parseCount(words[2], `count of ${quoted(words[1] ?? '')}`),
        properties: [],
      });
    else if (words[0] === 'property') {
      ensure(elements.length > 0, () => 'its header has a property before any element');
      elements[elements.length - 1].properties.push(propertyOf(words.slice(1)));
    } else
      ensure(
        ['comment', 'obj_info', ''].includes(words[0]),
        () => `its header holds ${quoted(line)}, which PLY does not know`,
      );
  }
  ensure(
    format === 'ascii' || format === 'binary_little_endian' || format === 'binary_big_endian',
    () => `its format is ${quoted(format ?? '')} instead of ascii, binary_little_endian or binary_big_endian`,
  );
  return { format, elements, start: end.index + end[0].length };
}

function propertyOf(words: string[]): Property {
  const types = words[0] === 'list' ? words.slice(1, 3) : words.slice(0, 1);
  for (const type of types.length > 0 ? types : [''])
    ensure(Object.hasOwn(SCALARS, type), () => `its header names the type ${quoted(type)}, which PLY does not know`);
  return types.length === 2
    ? { name: words[3] ?? '', type: types[1], count: types[0] }
    : { name: words[1] ?? '', type: types[0] };
}
