/** What every benchmark shares: its options, the machine's description, and where its result goes. */
import { fileURLToPath } from 'node:url';
import { type Command, defineCommand, type OptionSpecs, type OptionValues } from '../src/cli/command.js';
import { countOption } from '../src/cli/modelOptions.js';
import { describeMachine } from './machine.js';
import { type Report, type Result, reportText, writeReport } from './report.js';

const commonOptions = {
  rounds: { type: 'number', placeholder: 'N', help: 'runs of each side that count (default: chosen by the table)' },
  quick: {
    type: 'boolean',
    help: 'few rounds and the small sizes alone, to see that it works; results are kept apart from full ones',
  },
  out: {
    type: 'string',
    placeholder: 'DIR',
    help: 'folder for TABLE.json and TABLE.md',
    default: fileURLToPath(new URL('../../bench/results', import.meta.url)),
  },
} as const satisfies OptionSpecs;

/** `--python`: where PyTorch is. */
export const pythonOption = {
  python: {
    type: 'string',
    placeholder: 'PATH',
    help: 'interpreter that has torch and safetensors',
    default: process.env.HIP_BENCH_PYTHON || 'python3',
  },
} as const satisfies OptionSpecs;

type Common = OptionValues<typeof commonOptions>;

/** One table: what it measures and how. */
export interface Benchmark<O extends OptionSpecs> {
  name: string;
  summary: string;
  description: string;
  options: O;
  /** Arguments after the table's name, of command lines that work as they stand. */
  examples: readonly string[];
  /** Rounds without `--rounds`: usually, and with `--quick`. */
  rounds: { full: number; quick: number };
  measure(options: OptionValues<O> & Omit<Common, 'rounds'> & { rounds: number }, around: Around): Promise<Result>;
}

/** What surrounds a measurement. */
export interface Around {
  /** Says what is being done. */
  note(line: string): void;
}

/** A table as a command of the benchmark program: measures, prints, writes. */
export function defineBenchmark<const O extends OptionSpecs>(benchmark: Benchmark<O>): Command {
  const { name, summary, description, examples, rounds } = benchmark;
  return defineCommand({
    name,
    summary,
    usage: '[options]',
    description,
    examples: examples.map((line) => `hip ${name} ${line}`.trim()),
    options: { ...benchmark.options, ...commonOptions },
    run: async ({ options, output }) => {
      const given = options as unknown as OptionValues<O> & Common;
      const machine = describeMachine();
      const count = countOption('--rounds', given.rounds) ?? (given.quick ? rounds.quick : rounds.full);
      const began = performance.now();
      const result = await benchmark.measure({ ...given, rounds: count }, { note: output.note });
      const report: Report = {
        name: given.quick ? `${name}.quick` : name,
        summary,
        command: ['npm run bench --', name, ...typedArguments()].join(' '),
        machine,
        seconds: (performance.now() - began) / 1000,
        result,
      };
      const files = await writeReport(given.out, report);
      output.result(report, () => `${reportText(report)}\n\nWritten: ${files.join(', ')}`);
    },
  });
}

/** What was typed after the table's name, without paths of this machine. */
export function typedArguments(): string[] {
  const [, , , ...rest] = process.argv;
  return rest.map((argument) => argument.replace(/^(--?[\w-]+=)?\/.*/, '$1…'));
}
