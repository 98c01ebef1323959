/** The stack machine that a pickle is a program for, in so far as it makes values. */

import { type Cursor, PickleRefusal } from './cursor.js';

/** A class or function by its name. It stands for itself and does nothing: only a host may give a call of it a meaning. */
export class PickledGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What the pickle's surroundings give it. */
export interface PickleHost {
  /** What a call of this global makes. @throws PickleRefusal where it is not allowed. */
  call(global: PickledGlobal, args: unknown[]): unknown;
  /** Gives an object that was made the state that was pickled for it. @throws PickleRefusal where it takes none. */
  setState(object: unknown, state: unknown): void;
  /** The object outside the pickle that an identifier means. */
  persistent(id: unknown): unknown;
}

/** More values at a time, or containers or memos in all, than any checkpoint needs: a pickle made to exhaust the memory. */
const MOST_VALUES = 2 ** 20;
const MOST_CONTAINERS = 2 ** 19;
const MOST_MEMOS = 2 ** 20;

/**
 * The stack machine. Dictionaries become `Map`s, sets `Set`s, lists and tuples arrays, bytes `Uint8Array`s, integers
 * `number`s where they are exact and else `bigint`s.
 */
export class PickleMachine {
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  private readonly marks: number[] = [];
  private containers = 0;

  constructor(
    readonly cursor: Cursor,
    readonly host: PickleHost,
  ) {}

  push(value: unknown): void {
    if (this.stack.length >= MOST_VALUES) throw new PickleRefusal(`piles up more than ${MOST_VALUES} values`);
    this.stack.push(value);
  }

  /** Pushes a new container, of which there may be so many in all. */
  pushContainer(value: unknown): void {
    if (++this.containers > MOST_CONTAINERS) throw new PickleRefusal(`makes more than ${MOST_CONTAINERS} objects`);
    this.push(value);
  }

  /** Takes the topmost value. Values below the last mark are not to be had. */
  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw damaged();
    return this.stack.pop();
  }

  top(): unknown {
    if (this.stack.length === 0) throw damaged();
    return this.stack[this.stack.length - 1];
  }

  mark(): void {
    if (this.marks.length >= MOST_VALUES) throw new PickleRefusal(`is nested more than ${MOST_VALUES} deep`);
    this.marks.push(this.stack.length);
  }

  /** Takes all values above the last mark, and the mark. */
  popMark(): unknown[] {
    const begin = this.marks.pop();
    if (begin === undefined) throw damaged();
    return this.stack.splice(begin);
  }

  remember(index: number | bigint): void {
    if (this.memo.size >= MOST_MEMOS) throw new PickleRefusal(`remembers more than ${MOST_MEMOS} objects`);
    this.memo.set(Number(index), this.top());
  }

  recall(index: number | bigint): void {
    if (!this.memo.has(Number(index))) throw damaged();
    this.push(this.memo.get(Number(index)));
  }

  /** Calls a global by what the host makes of it. */
  call(callee: unknown, args: unknown): void {
    if (!(callee instanceof PickledGlobal) || !Array.isArray(args)) throw damaged();
    this.pushContainer(this.host.call(callee, args));
  }
}

/** What a pickle that breaks the machine's rules is refused with. */
export function damaged(): PickleRefusal {
  return new PickleRefusal('is damaged: its pickle makes no sense');
}
