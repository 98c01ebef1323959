import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  elementCount,
  type ForeignWeights,
  nonFiniteCount,
  openForeignWeights,
  type StoredArray,
  shown,
  storedBytes,
  toFloat32,
  writeFileAtomic,
  writeSafetensors,
} from '../../checkpoint/index.js';
import { ensure } from '../../errors/index.js';
import { parseModelName } from '../../models/index.js';
import { recognise } from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { importAs, importRecognised } from '../importAs.js';
import { parseModalities } from '../inputs.js';
import { formatBytes, formatShape, plural, shortList } from '../quantities.js';
import { formatTable } from '../table.js';

/** `hip import`: weights that other programs wrote. */
export const command = defineCommand({
  name: 'import',
  summary: 'Tell what weights of other programs hold, and make a model of them',
  usage: 'PATH [--list] [--out DIR] [--as MODEL|--raw] [options]',
  description:
    'PATH is a file or folder of weights: safetensors, alone, in shards or in a folder as Hugging Face has it; or a state ' +
    'dict of PyTorch (.pth, .pt, .bin, .ckpt), of which nothing is run: a file that calls anything but what weights are ' +
    'made of is refused. The model is known by its config.json, or by the names of its tensors; with --out it becomes a ' +
    'checkpoint for all other commands, its classifier too. --as names the model instead; --raw writes the tensors as ' +
    'they are, under the same names.',
  options: {
    list: { type: 'boolean', help: 'list every tensor with its type and shape' },
    out: { type: 'string', placeholder: 'DIR', help: 'folder to write' },
    as: { type: 'string', placeholder: 'MODEL', help: 'a model as listed by the command models, such as hip/16' },
    raw: { type: 'boolean', help: 'write safetensors under the names that the tensors have, config.json beside them' },
    input: {
      type: 'strings',
      placeholder: 'NAME=SHAPE',
      help: 'input that the model is to take, sizes of the grid, then channels (default: what the weights were made for)',
    },
    part: { type: 'string', placeholder: 'KEY', help: 'which of several state dicts in one file, such as model_ema' },
  },
  recipe: true,
  positionals: [{ name: 'PATH', help: 'a file of weights, an .index.json of shards, or a folder with one of these' }],
  examples: [
    'hip import mae_pretrain_vit_base.pth --list',
    'hip import downloads/vit-base-patch16-224 --out models/vit-base',
    'hip import downloads/vit-base-patch16-224 --input image=384x384x3 --out models/vit-base-384',
    'hip import mae_pretrain_vit_base.pth --raw --out downloads/mae-base',
    'hip import weights.safetensors --as hip/tiny --input image=32x32x3 --out runs/imported',
  ],
  run: async ({ positionals: [path], options, overrides, output }) => {
    const { out, as: typed, raw, list } = options;
    ensure(typed === undefined || out !== undefined, () => 'Say with --out where the checkpoint is to be written.');
    const weights = await openForeignWeights(path, { part: options.part });
    const modalities = options.input.length > 0 ? parseModalities(options.input) : undefined;
    const system = typed === undefined ? undefined : parseModelName(typed).system;
    const known = raw ? undefined : recognise(weights, { system, modalities });
    const report = {
      ...describeWeights(weights),
      model: known && { system: known.system.name, of: known.published.of },
    };
    const remarks = [...weights.remarks];
    const written: Written = { out };
    if (out !== undefined && raw) remarks.push(...(await convert(weights, out)));
    else if (out !== undefined) {
      const from = { path, weights };
      const asked = { modalities, overrides, out };
      const imported =
        typed !== undefined && !known
          ? await importAs(from, { ...asked, system: typed, modalities: modalities ?? parseModalities(USUAL_INPUT) })
          : await importRecognised(from, { ...asked, system });
      Object.assign(written, { model: imported.model, taken: imported.taken });
      remarks.push(...imported.remarks);
    }
    const tensors = list ? tensorRows(weights) : undefined;
    output.result({ ...report, remarks, ...(out === undefined ? {} : written), tensors }, () =>
      [
        formatTable(summaryRows(report)),
        ...remarks,
        ...(tensors ? ['', formatTable(tensors.map(listRow), ['tensor', 'type', 'shape', 'values'])] : []),
        ...(out === undefined ? [] : ['', describeWritten(written)]),
      ].join('\n'),
    );
  },
});

/** What a model of raw elements is taken to be made for, where nothing is said. */
const USUAL_INPUT = ['image=224x224x3'];

interface Written {
  out?: string;
  /** The model of ours that was made, and how many parameters it took. */
  model?: string;
  taken?: number;
}

interface WeightsReport {
  format: string;
  files: string[];
  tensors: number;
  parameters: number;
  bytes: number;
  /** How many tensors there are of each element type. */
  types: Record<string, number>;
  /** What `config.json` calls the model. */
  modelType?: unknown;
  architectures?: unknown;
  /** Arguments of the program that wrote them. */
  args?: Record<string, unknown>;
  /** The system that they are of, and whose classes wrote them. */
  model?: { system: string; of: string };
}

function describeWeights({ format, files, tensors, config, args }: ForeignWeights): WeightsReport {
  const types: Record<string, number> = {};
  let parameters = 0;
  let bytes = 0;
  for (const tensor of tensors.values()) {
    types[tensor.dtype] = (types[tensor.dtype] ?? 0) + 1;
    parameters += elementCount(tensor.shape);
    bytes += storedBytes(tensor);
  }
  const told = { modelType: config?.model_type, architectures: config?.architectures };
  return { format, files, tensors: tensors.size, parameters, bytes, types, ...told, args };
}

function summaryRows(report: WeightsReport): [string, string][] {
  const { format, files, tensors, parameters, bytes, types, modelType, architectures, args, model } = report;
  const told = [modelType, ...(Array.isArray(architectures) ? architectures : [architectures])]
    .filter((name) => typeof name === 'string')
    .map(shown);
  const plain = Object.entries(args ?? {}).filter(([key]) => TELLING_ARGUMENTS.includes(key));
  return [
    ['format', files.length > 1 ? `${format}, ${plural(files.length - 1, 'shard')}` : format],
    ['tensors', tensors.toLocaleString('en-US')],
    ['values', `${parameters.toLocaleString('en-US')}, ${formatBytes(bytes)}`],
    ...(model ? [['model', `${model.system} (${model.of})`] as [string, string]] : []),
    ['types', shortList(Object.entries(types).map(([type, count]) => `${type} (${count.toLocaleString('en-US')})`))],
    ...(told.length > 0 ? [['config.json', told.join(', ')] as [string, string]] : []),
    ...(plain.length > 0
      ? [['arguments', plain.map(([key, value]) => shown(`${key} ${value}`)).join(', ')] as [string, string]]
      : []),
  ];
}

/** Arguments that say which model it is; there may be hundreds of others. */
const TELLING_ARGUMENTS = [
  'model',
  'arch',
  'model_name',
  'input_size',
  'img_size',
  'patch_size',
  'nb_classes',
  'num_classes',
];

interface TensorRow {
  name: string;
  dtype: string;
  shape: number[];
}

function tensorRows({ tensors }: ForeignWeights): TensorRow[] {
  return [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}

function listRow({ name, dtype, shape }: TensorRow): (string | number)[] {
  return [shown(name), dtype, shape.length === 0 ? 'scalar' : formatShape(shape), elementCount(shape)];
}

/** Writes the tensors under their names, each as it was. Gives what there is to say about their values. */
async function convert({ tensors, config, files }: ForeignWeights, out: string): Promise<string[]> {
  const target = join(out, 'model.safetensors');
  ensure(
    !files.some((file) => resolve(file) === resolve(target)),
    () => `${target} is what is being imported: choose another --out.`,
  );
  const remarks: string[] = [];
  const watched = [...tensors].map(([name, tensor]): [string, typeof tensor] => {
    const load = async (): Promise<StoredArray> => {
      const data = await tensor.load();
      const bad = /F/.test(tensor.dtype) ? nonFiniteCount(toFloat32({ ...tensor, data })) : 0;
      if (bad > 0) remarks.push(`"${shown(name)}" holds ${plural(bad, 'NaN or infinite value')}.`);
      return data;
    };
    return [name, { ...tensor, load }];
  });
  await writeSafetensors(target, watched, { format: 'pt' });
  const configFile = join(out, 'config.json');
  if (config && !existsSync(configFile)) await writeFileAtomic(configFile, `${JSON.stringify(config, null, 2)}\n`);
  return remarks;
}

function describeWritten({ out, model, taken }: Written): string {
  return model === undefined
    ? `Written to ${join(out ?? '', 'model.safetensors')}.`
    : `Written to ${out}: ${model} with ${plural(taken ?? 0, 'parameter tensor')}.\nNext:\n  hip info ${out}`;
}
