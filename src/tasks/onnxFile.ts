/** An ONNX file run by plain ONNX Runtime in another process. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HiperceiverError } from '../errors/index.js';

/** Values with ONNX Runtime's name of their type. */
export interface TypedValues {
  type: string;
  shape: readonly number[];
  data: ArrayBufferView;
}

/** An input or output as the file states it; sizes that are open have names. */
export interface OnnxValue {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** What the process is asked, one request at a time. */
export type OnnxRequest =
  | { kind: 'open'; path: string; threads?: number }
  | { kind: 'run'; feeds: Record<string, TypedValues> }
  | { kind: 'time'; feeds: Record<string, TypedValues>; runs: number };

/** What it answers. */
export interface OnnxAnswer {
  answer?: unknown;
  error?: string;
}

/** Times of runs. */
export interface Timing {
  milliseconds: number[];
  /** Bytes that the process held at most. */
  peakMemory: number;
}

interface OpenOptions {
  threads?: number;
  called?: string;
}

/** A file that is loaded and ready to run. Ends its process when it is disposed. */
export class OnnxFile {
  inputs: OnnxValue[] = [];
  outputs: OnnxValue[] = [];
  private stderr = '';

  private constructor(
    private readonly called: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr!.on('data', (data) => {
      this.stderr = (this.stderr + data).slice(-2000);
    });
  }

  /**
   * Starts the process and loads the file.
   * @param options.threads of a run; default: ONNX Runtime's own choice, the number of cores
   * @param options.called what errors call the file; default: its path
   * @throws HiperceiverError where ONNX Runtime cannot load it
   */
  static async open(path: string, { threads, called = path }: OpenOptions = {}): Promise<OnnxFile> {
    const script = fileURLToPath(new URL('./onnxFileProcess.js', import.meta.url));
    // Without the process's own flags, of which `-e` would start something else.
    const child = fork(script, { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const file = new OnnxFile(called, child);
    try {
      const { inputs, outputs } = await file.ask<Pick<OnnxFile, 'inputs' | 'outputs'>>({ kind: 'open', path, threads });
      Object.assign(file, { inputs, outputs });
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  /** All outputs, by name. */
  run(feeds: Record<string, TypedValues>): Promise<Record<string, Float32Array>> {
    return this.ask({ kind: 'run', feeds });
  }

  /** Runs so many times on the same inputs. */
  time(feeds: Record<string, TypedValues>, runs: number): Promise<Timing> {
    return this.ask({ kind: 'time', feeds, runs });
  }

  /** Ends the process. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private ask<Answer>(request: OnnxRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.child.off('message', onMessage).off('exit', onExit);
      };
      const onMessage = ({ answer, error }: OnnxAnswer) => {
        done();
        if (error === undefined) resolve(answer as Answer);
        else reject(this.failure(error));
      };
      const onExit = (code: number | null, signal: string | null) => {
        done();
        reject(this.failure(this.stderr.match(/Error: (.*)/)?.[1] ?? `its process ended with ${signal ?? code}`));
      };
      this.child.once('message', onMessage).once('exit', onExit);
      this.child.send(request);
    });
  }

  private failure(reason: string): HiperceiverError {
    const sentence = reason.split('\n')[0].replace(/\.$/, '');
    return new HiperceiverError(`ONNX Runtime cannot run ${this.called}: ${sentence}.`);
  }
}
