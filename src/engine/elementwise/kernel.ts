/** One pass over arrays as a WebAssembly function: every element is read once, computed on in registers, and written once. */
import { F32, F64, I32, op, V128, type WasmFunction } from './assembler.js';

/** What a kernel can compute, by the operators' names in the graph. */
export const ARITHMETIC = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'neg', 'abs', 'sqrt'] as const;
export type Arithmetic = (typeof ARITHMETIC)[number];

/** A step of a kernel; numbers refer to earlier steps. Arrays and scalars are numbered each by itself. */
export type Step =
  | { kind: 'array'; index: number }
  | { kind: 'scalar'; index: number }
  | { kind: 'compute'; operator: Arithmetic; steps: number[] };

/** An element-wise computation on arrays of equal length. It either writes arrays or sums one step over all elements. */
export interface KernelSource {
  arrays: number;
  scalars: number;
  steps: Step[];
  /** Steps whose values are written: [step, array]. An array may be read and written. */
  stores: [step: number, array: number][];
  /** The step that is summed, in double precision; the function returns the sum. */
  sum?: number;
}

const SCALAR_CODE: Record<Arithmetic, number> = {
  add: 0x92,
  sub: 0x93,
  mul: 0x94,
  div: 0x95,
  minimum: 0x96,
  maximum: 0x97,
  abs: 0x8b,
  neg: 0x8c,
  sqrt: 0x91,
};
const VECTOR_CODE: Record<Arithmetic, number> = {
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  minimum: 0xe8,
  maximum: 0xe9,
};

/** Parameters: number of elements, address of each array (aligned to 4 bytes), value of each scalar. */
export function kernelFunction({ arrays, scalars, steps, stores, sum }: KernelSource): WasmFunction {
  const [count, at] = [0, 1 + arrays + scalars];
  const address = (array: number) => [...op.localGet(1 + array), ...op.localGet(at), ...op.i32Add];
  const scalar = (index: number) => op.localGet(1 + arrays + index);
  const vectorOf = (step: number) => at + 1 + step;
  const floatOf = (step: number) => at + 1 + steps.length + step;
  const wide = at + 1 + 2 * steps.length;
  const narrow = wide + 1;

  /** One round of the loop, on four elements or on one. */
  const round = (isVector: boolean): number[] => {
    const local = isVector ? vectorOf : floatOf;
    const code: number[] = [];
    steps.forEach((step, i) => {
      if (step.kind === 'scalar') return;
      if (step.kind === 'array') code.push(...address(step.index), ...(isVector ? op.v128Load : op.f32Load));
      else {
        for (const s of step.steps) code.push(...op.localGet(local(s)));
        code.push(...(isVector ? [0xfd, VECTOR_CODE[step.operator], 0x01] : [SCALAR_CODE[step.operator]]));
      }
      code.push(...op.localSet(local(i)));
    });
    for (const [step, array] of stores)
      code.push(...address(array), ...op.localGet(local(step)), ...(isVector ? op.v128Store : op.f32Store));
    if (sum !== undefined) code.push(...accumulate(op.localGet(local(sum)), isVector));
    const stride = isVector ? 4 : 1;
    return [
      ...code,
      ...[...op.localGet(at), ...op.i32Const(4 * stride), ...op.i32Add, ...op.localSet(at)],
      ...[...op.localGet(count), ...op.i32Const(stride), ...op.i32Sub, ...op.localSet(count)],
    ];
  };
  const accumulate = (value: number[], isVector: boolean): number[] =>
    isVector
      ? [
          ...[...op.localGet(wide), ...value, ...op.f64x2PromoteLow, ...op.f64x2Add],
          ...[...value, ...value, ...op.upperHalf, ...op.f64x2PromoteLow, ...op.f64x2Add, ...op.localSet(wide)],
        ]
      : [...op.localGet(narrow), ...value, ...op.f64PromoteF32, ...op.f64Add, ...op.localSet(narrow)];

  const prologue = steps.flatMap((step, i) =>
    step.kind === 'scalar'
      ? [
          ...[...scalar(step.index), ...op.localSet(floatOf(i))],
          ...[...scalar(step.index), ...op.f32x4Splat, ...op.localSet(vectorOf(i))],
        ]
      : [],
  );
  const fewerThan = (n: number) => [...op.localGet(count), ...op.i32Const(n), ...op.i32LessUnsigned];
  const total = [
    ...[...op.localGet(wide), ...op.f64x2Lane(0), ...op.localGet(wide), ...op.f64x2Lane(1), ...op.f64Add],
    ...[...op.localGet(narrow), ...op.f64Add],
  ];
  return {
    parameters: [I32, ...Array(arrays).fill(I32), ...Array(scalars).fill(F32)],
    results: sum === undefined ? [] : [F64],
    locals: [I32, ...steps.map(() => V128), ...steps.map(() => F32), V128, F64],
    code: [
      ...prologue,
      ...op.loop(fewerThan(4), round(true)),
      ...op.loop(fewerThan(1), round(false)),
      ...(sum === undefined ? [] : total),
    ],
  };
}
