/** Positioned reads from one file through a window that is small where they lie far apart and large where they lie close. */
import { close, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';

// Numbers of open files instead of FileHandle objects: half the time per read.
const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);
const readFile = promisify(read);

/** What is read at a far place: a page of the system's cache. */
const SMALLEST = 4096;
const LARGEST = 2 ** 18;
/** Where the next read begins nearer than this behind the window, the window grows: one long read beats many short ones. */
const NEAR = 2 ** 14;

/** A window on a file. */
export class Window {
  private buffer = Buffer.alloc(0);
  private start = 0;
  private reach = SMALLEST;

  private constructor(
    private readonly file: number,
    /** Bytes of the file when it was opened. */
    readonly length: number,
  ) {}

  /** Opens a file. @throws the system's error */
  static async open(path: string): Promise<Window> {
    const file = await openFile(path, 'r');
    return new Window(file, (await statFile(file)).size);
  }

  /** The bytes at a place if they are held at the moment: spares the caller an `await`. Valid until the next `load`. */
  held(at: number, count: number): Buffer | undefined {
    const from = at - this.start;
    return from >= 0 && from + count <= this.buffer.length ? this.buffer.subarray(from, from + count) : undefined;
  }

  /** The bytes at a place; fewer where the file ends before. Valid until the next `load`. */
  async load(at: number, count: number): Promise<Buffer> {
    const held = this.held(at, count);
    if (held) return held;
    const gap = at - (this.start + this.buffer.length);
    this.reach = gap <= NEAR && at >= this.start ? Math.min(2 * this.reach, LARGEST) : SMALLEST;
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(Math.max(count, this.reach), this.length - at)));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await readFile(this.file, buffer, filled, buffer.length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.start = at;
    this.buffer = buffer.subarray(0, filled);
    return this.buffer.subarray(0, Math.min(count, filled));
  }

  async close(): Promise<void> {
    await closeFile(this.file);
  }
}
