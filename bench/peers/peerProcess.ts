/** A peer in a process of its own: reads one JSON line that says what to do, then answers each command line with one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a peer answers with. */
export type Answer = Record<string, unknown>;

/** A peer that runs, or a sentence that says why there is none. */
export type Started = { peer: PeerProcess; hello: Answer } | { missing: string };

/** Asks one command at a time. */
export class PeerProcess {
  private waiting: ((line: string | undefined) => void) | undefined;
  private readonly lines: string[] = [];
  private errors = '';
  private ended = false;

  private constructor(private readonly child: ChildProcess) {
    child.stderr!.on('data', (text) => (this.errors = (this.errors + text).slice(-4000)));
    // A peer that dies while it is being written to is noticed when it does not answer.
    child.stdin!.on('error', () => {});
    createInterface({ input: child.stdout! }).on('line', (line) => {
      // Libraries may print something of their own.
      if (line.startsWith('{')) this.deliver(line);
    });
    const end = () => {
      this.ended = true;
      this.deliver(undefined);
    };
    child.on('error', (error) => {
      this.errors ||= error.message;
      end();
    });
    child.on('close', end);
  }

  /** Starts a peer and hears what it says of itself. Never throws: a peer that is not there is a sentence. */
  static async start(program: string, args: readonly string[], spec: unknown): Promise<Started> {
    const peer = new PeerProcess(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    try {
      return { peer, hello: await peer.ask(JSON.stringify(spec)) };
    } catch (error) {
      return { missing: (error as Error).message };
    }
  }

  /** Sends a command and gives its answer. @throws Error with the peer's last words where it has ended */
  async ask(command: string): Promise<Answer> {
    if (!this.ended) this.child.stdin!.write(`${command}\n`);
    const line = this.lines.shift() ?? (this.ended ? undefined : await this.nextLine());
    if (line === undefined) throw new Error(this.lastWords());
    return JSON.parse(line) as Answer;
  }

  /** Ends the process and waits until its memory is free again. */
  async close(): Promise<void> {
    if (this.ended) return;
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill();
    await closed;
  }

  private nextLine(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  private deliver(line: string | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(line);
    else if (line !== undefined) this.lines.push(line);
  }

  private lastWords(): string {
    const { exitCode, signalCode } = this.child;
    const lines = this.errors.trim().split('\n');
    const said = lines.findLast((line) => /error|not found|ENOENT/i.test(line)) ?? lines.at(-1);
    return said || `it ended with ${signalCode ?? `code ${exitCode}`} and without a word`;
  }
}
