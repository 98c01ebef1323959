/** What each instruction of a pickle does (https://github.com/python/cpython/blob/main/Lib/pickletools.py). */

import { PickleRefusal } from './cursor.js';
import { damaged, PickledGlobal, type PickleMachine } from './machine.js';

type Run = (machine: PickleMachine) => void;

/** Instructions that are a printable character, protocols 0 and 1 for the most part. */
const printable: Record<string, Run> = {
  '(': (m) => m.mark(),
  '0': (m) => m.pop(),
  '1': (m) => m.popMark(),
  '2': (m) => m.push(m.top()),
  N: (m) => m.push(null),
  // Protocol 0 writes True and False as the integers 01 and 00.
  I: (m) => {
    const text = m.cursor.line();
    if (text === '00' || text === '01') m.push(text === '01');
    else m.push(wholeNumber(text));
  },
  L: (m) => m.push(m.cursor.decimal()),
  J: (m) => m.push(m.cursor.i32()),
  K: (m) => m.push(m.cursor.u8()),
  M: (m) => m.push(m.cursor.u16()),
  F: (m) => m.push(pythonFloat(m.cursor.line())),
  G: (m) => m.push(m.cursor.f64()),
  S: (m) => m.push(unquote(m.cursor.line())),
  T: (m) => m.push(m.cursor.text(m.cursor.u32())),
  U: (m) => m.push(m.cursor.text(m.cursor.u8())),
  V: (m) => m.push(m.cursor.line()),
  X: (m) => m.push(m.cursor.text(m.cursor.u32())),
  B: (m) => m.push(m.cursor.take(m.cursor.u32())),
  C: (m) => m.push(m.cursor.take(m.cursor.u8())),
  t: (m) => m.pushContainer(m.popMark()),
  ')': (m) => m.pushContainer([]),
  l: (m) => m.pushContainer(m.popMark()),
  ']': (m) => m.pushContainer([]),
  a: (m) => {
    const item = m.pop();
    list(m.top()).push(item);
  },
  e: (m) => {
    const items = m.popMark();
    const target = list(m.top());
    for (const item of items) target.push(item);
  },
  d: (m) => {
    const items = m.popMark();
    m.pushContainer(setItems(new Map(), items));
  },
  '}': (m) => m.pushContainer(new Map()),
  s: (m) => {
    const value = m.pop();
    const key = m.pop();
    setItems(m.top(), [key, value]);
  },
  u: (m) => {
    const items = m.popMark();
    setItems(m.top(), items);
  },
  g: (m) => m.recall(m.cursor.decimal()),
  h: (m) => m.recall(m.cursor.u8()),
  j: (m) => m.recall(m.cursor.u32()),
  p: (m) => m.remember(m.cursor.decimal()),
  q: (m) => m.remember(m.cursor.u8()),
  r: (m) => m.remember(m.cursor.u32()),
  P: (m) => m.push(m.host.persistent(m.cursor.line())),
  Q: (m) => m.push(m.host.persistent(m.pop())),
  c: (m) => {
    const module = m.cursor.line();
    m.pushContainer(new PickledGlobal(module, m.cursor.line()));
  },
  R: (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  },
  i: (m) => {
    const module = m.cursor.line();
    const callee = new PickledGlobal(module, m.cursor.line());
    m.call(callee, m.popMark());
  },
  o: (m) => {
    const [callee, ...args] = m.popMark();
    m.call(callee, args);
  },
  b: (m) => {
    const state = m.pop();
    m.host.setState(m.top(), state);
  },
};

/** Instructions of protocols 2 to 5. */
const later: Record<number, Run> = {
  128: (m) => {
    const protocol = m.cursor.u8();
    if (protocol > 5)
      throw new PickleRefusal(`has a pickle of protocol ${protocol}, and 5 is the newest that there is`);
  },
  129: (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  },
  // Extension codes stand for globals that only the writer's own Python knows.
  130: refuseExtension,
  131: refuseExtension,
  132: refuseExtension,
  133: (m) => m.pushContainer([m.pop()]),
  134: (m) => m.pushContainer([m.pop(), m.pop()].reverse()),
  135: (m) => m.pushContainer([m.pop(), m.pop(), m.pop()].reverse()),
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  138: (m) => m.push(m.cursor.integer(m.cursor.u8())),
  139: (m) => m.push(m.cursor.integer(m.cursor.i32())),
  140: (m) => m.push(m.cursor.text(m.cursor.u8())),
  141: (m) => m.push(m.cursor.text(m.cursor.u64())),
  142: (m) => m.push(m.cursor.take(m.cursor.u64())),
  143: (m) => m.pushContainer(new Set()),
  144: (m) => {
    const items = m.popMark();
    const target = m.top();
    if (!(target instanceof Set)) throw damaged();
    for (const item of items) target.add(item);
  },
  145: (m) => m.pushContainer(new Set(m.popMark())),
  146: (m) => {
    const named = m.pop();
    const args = m.pop();
    if (!(named instanceof Map) || named.size > 0) throw damaged();
    m.call(m.pop(), args);
  },
  147: (m) => {
    const name = m.pop();
    const module = m.pop();
    if (typeof module !== 'string' || typeof name !== 'string') throw damaged();
    m.pushContainer(new PickledGlobal(module, name));
  },
  148: (m) => m.remember(m.memo.size),
  // A frame's length is a hint for reading ahead; what it frames is read as it comes.
  149: (m) => void m.cursor.u64(),
  150: (m) => m.push(m.cursor.take(m.cursor.u64())),
};

/** By the instruction's byte. */
export const opcodes: readonly (Run | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => later[code] ?? (code < 128 ? ownEntry(String.fromCharCode(code)) : undefined),
);

function ownEntry(character: string): Run | undefined {
  return Object.hasOwn(printable, character) ? printable[character] : undefined;
}

function refuseExtension(): never {
  throw new PickleRefusal('names a global by an extension code, which means nothing outside the program that wrote it');
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw damaged();
  return value;
}

/** Sets alternating keys and values. */
function setItems(target: unknown, items: readonly unknown[]): unknown {
  if (!(target instanceof Map) || items.length % 2 !== 0) throw damaged();
  for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  return target;
}

function wholeNumber(text: string): number {
  if (!/^[-+]?\d{1,15}$/.test(text)) throw damaged();
  return Number(text);
}

function pythonFloat(text: string): number {
  const named: Record<string, number> = {
    nan: Number.NaN,
    inf: Number.POSITIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
  };
  if (Object.hasOwn(named, text)) return named[text];
  if (text.trim() === '' || Number.isNaN(Number(text))) throw damaged();
  return Number(text);
}

/** A Python string literal without its quotes; escapes other than of quotes and backslashes stay as they are. */
function unquote(text: string): string {
  const match = /^(['"])(.*)\1$/s.exec(text);
  if (!match) throw damaged();
  return match[2].replace(/\\(['"\\])/g, '$1');
}
