/**
 * Python's pickles (protocols 0 to 5) as data. A pickle is a program for a stack machine, which in Python can call any
 * function; here it makes dictionaries, lists, numbers and texts, and calls nothing but what its host allows.
 */

import { Cursor, PickleRefusal } from './cursor.js';
import { type PickleHost, PickleMachine } from './machine.js';
import { opcodes } from './opcodes.js';

const STOP = '.'.charCodeAt(0);

/**
 * Reads one pickle.
 * @returns its value, and where in the bytes the pickle ended
 * @throws PickleRefusal for what is damaged, excessive, or calls what the host does not allow; PickleCutOff where the bytes
 * end too early
 */
export function unpickle(bytes: Uint8Array, host: PickleHost, begin = 0): { value: unknown; end: number } {
  const cursor = new Cursor(bytes, begin);
  const machine = new PickleMachine(cursor, host);
  for (;;) {
    const code = cursor.u8();
    if (code === STOP) return { value: machine.pop(), end: cursor.at };
    const run = opcodes[code];
    if (!run) throw new PickleRefusal(`is damaged: its pickle has the unknown instruction ${code}`);
    run(machine);
  }
}
