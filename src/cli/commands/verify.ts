import { verifyCases } from '../../verify/index.js';
import { defineCommand } from '../command.js';
import { deviceNamed, deviceOption } from '../modelOptions.js';

/** `hip verify CASE…`: golden cases against what is built here. */
export const command = defineCommand({
  name: 'verify',
  summary: 'Compare models and building blocks with a reference implementation’s own numbers',
  usage: 'CASE… [options]',
  description:
    'Each CASE is a folder with case.json, io.safetensors and, for models, weights.safetensors. What it describes is ' +
    'built and run, and every tensor that it expects is compared within its tolerances. A CASE may also be a table, such ' +
    'as grouping.json or counts.json, of which every row is checked. One line for each case; the exit code is 1 when ' +
    'any fails.',
  options: {
    device: deviceOption,
  },
  positionals: [{ name: 'CASE', help: 'folder of a golden case, or a table in a .json file', many: true }],
  examples: ['hip verify test/golden/hip/*', 'hip verify test/golden/blocks/* --device reference'],
  run: async ({ options, positionals, json, output }) => {
    const verdicts = await verifyCases(positionals, {
      device: deviceNamed(options.device),
      onVerdict: ({ line }) => (json ? output.note(line) : output.print(line)),
    });
    const failed = verdicts.filter(({ ok }) => !ok).length;
    const summary = { passed: verdicts.length - failed, failed };
    output.result({ ...summary, cases: verdicts }, () => `${summary.passed} passed, ${summary.failed} failed`);
    return failed > 0 ? 1 : 0;
  },
});
