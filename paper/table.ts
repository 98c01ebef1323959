/** What every table of results shares: its options, its rows run for several seeds, and where the result goes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { typedArguments } from '../bench/benchmark.js';
import { describeMachine } from '../bench/machine.js';
import { type Result, reportText, writeReport } from '../bench/report.js';
import { type Command, defineCommand } from '../src/cli/command.js';
import { countOption } from '../src/cli/modelOptions.js';
import { hasRun, type Outcome, type Row, runRow } from './experiment.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One table: its rows, and what is made of their outcomes. */
export interface PaperTable {
  name: string;
  summary: string;
  description: string;
  /** The rows; with `quick` so small that they show no more than that all works. */
  rows(quick: boolean): Row[];
  /** Result of the rows that have been run, in their order. */
  result(outcomes: { row: Row; outcomes: Outcome[] }[], quick: boolean): Promise<Result>;
}

/** A table as a command: runs what has not been run yet, prints, writes `docs/results/TABLE.md` and `.json`. */
export function definePaperTable({ name, summary, description, rows, result }: PaperTable): Command {
  return defineCommand({
    name,
    summary,
    usage: '[options]',
    description: `${description} A table that was interrupted goes on where it stood.`,
    examples: [`hip ${name}`, `hip ${name} --seeds 1`, `hip ${name} --quick`],
    options: {
      seeds: { type: 'number', placeholder: 'N', default: 3, help: 'seeds of every row' },
      kept: { type: 'boolean', help: 'run nothing: make the table of the rows that have been run' },
      quick: { type: 'boolean', help: 'a few steps of one seed, to see that it works; results are kept apart' },
      runs: { type: 'string', placeholder: 'DIR', default: join(root, 'runs', 'paper'), help: 'folder of the runs' },
      out: { type: 'string', placeholder: 'DIR', default: join(root, 'docs', 'results'), help: 'folder of the table' },
    },
    run: async ({ options, output }) => {
      const { quick } = options;
      const label = quick ? `${name}.quick` : name;
      const seeds = quick ? 1 : (countOption('--seeds', options.seeds) as number);
      const began = performance.now();
      const found: { row: Row; outcomes: Outcome[] }[] = rows(quick).map((row) => ({ row, outcomes: [] }));
      // Seed by seed, so that an unfinished table has every row.
      const folder = join(options.runs, label);
      for (let seed = 0; seed < seeds; seed++)
        for (const { row, outcomes } of found)
          if (!options.kept || hasRun(row, seed, folder)) outcomes.push(await runRow(row, seed, folder, output.note));
      const report = {
        name: label,
        summary,
        command: ['npm run paper --', name, ...typedArguments()].join(' '),
        machine: describeMachine(),
        seconds: (performance.now() - began) / 1000,
        result: await result(
          found.filter(({ outcomes }) => outcomes.length > 0),
          quick,
        ),
      };
      const files = await writeReport(options.out, report);
      output.result(report, () => `${reportText(report)}\n\nWritten: ${files.join(', ')}`);
    },
  });
}
