/** As much of WebAssembly's binary format as a module of functions over one imported memory needs. */

/** Types of values. */
export const I32 = 0x7f;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;

/** A function of a module: the bytes of its instructions come without the final `end`. */
export interface WasmFunction {
  parameters: number[];
  results: number[];
  /** Types of the locals after the parameters. */
  locals: number[];
  code: number[];
}

/** Instructions, with their operands as bytes. */
export const op = {
  localGet: (i: number) => [0x20, ...unsigned(i)],
  localSet: (i: number) => [0x21, ...unsigned(i)],
  i32Const: (n: number) => [0x41, ...signed(n)],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32LessUnsigned: [0x49],
  f32Load: [0x2a, 2, 0],
  f32Store: [0x38, 2, 0],
  v128Load: [0xfd, 0x00, 2, 0],
  v128Store: [0xfd, 0x0b, 2, 0],
  f32x4Splat: [0xfd, 0x13],
  f64Const0: [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
  f64Add: [0xa0],
  f64PromoteF32: [0xbb],
  f64x2Add: [0xfd, 0xf0, 0x01],
  f64x2PromoteLow: [0xfd, 0x5f],
  f64x2Lane: (lane: 0 | 1) => [0xfd, 0x21, lane],
  /** Of a vector given twice: its upper half in place of the lower. */
  upperHalf: [0xfd, 0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15],
  /** Repeats `body` for as long as it leaves no true `leave` before it. */
  loop: (leave: number[], body: number[]) => [
    ...[0x02, 0x40, 0x03, 0x40],
    ...leave,
    ...[0x0d, 1],
    ...body,
    ...[0x0c, 0, 0x0b, 0x0b],
  ],
} as const;

/** The module: imports `e.m`, a memory of any size, and exports its functions as "0", "1", … */
export function assemble(functions: readonly WasmFunction[]): Uint8Array {
  const types = functions.map((f) => [0x60, ...vector(f.parameters.map(byte)), ...vector(f.results.map(byte))]);
  const bodies = functions.map((f) => {
    const body = [...vector(f.locals.map((type) => [1, type])), ...f.code, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  const name = (text: string) => vector([...text].map((c) => [c.charCodeAt(0)]));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...name('e'), ...name('m'), 2, 0, 0]])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(functions.map((_, i) => [...name(String(i)), 0, ...unsigned(i)]))),
    ...section(10, vector(bodies)),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function byte(value: number): number[] {
  return [value];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const done = (rest >> 7 === 0 && !(low & 0x40)) || (rest >> 7 === -1 && low & 0x40);
    if (done) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
