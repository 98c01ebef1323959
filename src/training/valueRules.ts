import { unknownName } from '../errors/index.js';
import { timestampOf } from '../models/index.js';

/** What a value of a recipe must be. */
export interface Rule<T = unknown> {
  /** Completes "… must be". */
  expects: string;
  /** Whether a value, of any type, is one. */
  accepts(value: unknown): value is T;
  /** Reads what was typed on the command line; what it cannot read it returns as it stands, to be refused. */
  parse(text: string): unknown;
  /** A more telling refusal than "must be". */
  refusal?(value: unknown): string | undefined;
}

/** Bounds of a number; `above` and `below` are exclusive. */
export interface Range {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
}

/** A share of something that is never all of it. */
export const share: Range = { min: 0, below: 1 };

/** How often something happens. */
export const probability: Range = { min: 0, max: 1 };

function rule<T>(expects: string, accepts: (value: unknown) => boolean, parse: (text: string) => unknown): Rule<T> {
  return { expects, accepts: accepts as Rule<T>['accepts'], parse };
}

/** A finite number within a range. */
export function number(range: Range = {}): Rule<number> {
  return rule(`a number ${describeRange(range)}`.trimEnd(), (value) => inRange(value, range), parseNumber);
}

/** A whole number within a range. */
export function integer(range: Range): Rule<number> {
  return rule(`a whole number ${describeRange(range)}`, (value) => isInteger(value, range), parseNumber);
}

/** Yes or no. */
export const flag = rule<boolean>(
  'true or false',
  (value) => typeof value === 'boolean',
  (typed) => (typed === 'true' ? true : typed === 'false' ? false : typed),
);

/** Any text. */
export const text = rule<string>(
  'a text',
  (value) => typeof value === 'string',
  (typed) => typed,
);

/** A text that is not empty: a name. */
export const filledText = rule<string>(
  'a text of at least one letter',
  (value) => text.accepts(value) && value !== '',
  text.parse,
);

/** One of some texts; a slip of typing is answered with the nearest. */
export function choice<T extends string>(...choices: T[]): Rule<T> {
  return {
    ...rule<T>(`one of ${choices.join(', ')}`, (value) => choices.includes(value as T), text.parse),
    refusal: (value) => (typeof value === 'string' ? unknownName('value', value, choices).message : undefined),
  };
}

/** One of some numbers. */
export function numberChoice<T extends number>(...choices: T[]): Rule<T> {
  return rule(`one of ${choices.join(', ')}`, (value) => choices.includes(value as T), parseNumber);
}

/** A list of numbers within a range: of a fixed length, or of any. */
export function numbers<T extends number[]>(expects: string, range: Range, length?: number): Rule<T> {
  const fits = (value: unknown) =>
    Array.isArray(value) &&
    (length === undefined || value.length === length) &&
    value.every((item) => inRange(item, range));
  return rule(expects, fits, parseList);
}

/** Two numbers within a range of which the second is not the smaller. */
export function interval(expects: string, range: Range): Rule<[number, number]> {
  const pair = numbers<[number, number]>(expects, range, 2);
  return rule(expects, (value) => pair.accepts(value) && value[0] <= value[1], parseList);
}

/** A list of texts; comma-separated ones may be typed. */
export const texts = rule<string[]>(
  'a list of texts, such as bias,norm',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  parseTexts,
);

/** An object whose fields are checked elsewhere. */
export const fields = rule<Record<string, unknown>>('an object of fields, such as {"depth":4}', isRecord, parseJson);

/** One side, or height and width; `32`, `24,32` and `24x32` may be typed. */
export const imageSides = rule<number | [number, number]>(
  'a side in pixels (0 keeps the stored size) or height,width',
  (value) =>
    isInteger(value, { min: 0 }) ||
    (Array.isArray(value) && value.length === 2 && value.every((item) => isInteger(item, { min: 1 }))),
  (typed) => {
    const parts = parseList(typed.replace(/^\s*(\d+)\s*x\s*(\d+)\s*$/, '$1,$2'));
    return Array.isArray(parts) && parts.length === 1 && !typed.includes('[') ? parts[0] : parts;
  },
);

/** One number, or brightness, contrast, saturation and hue; `0.4` and `0.8,0.8,0.8,0.2` may be typed. */
export const colorChanges = rule<number | [number, number, number, number]>(
  'a number of at least 0, or brightness,contrast,saturation,hue with a hue of at most 0.5',
  (value) =>
    inRange(value, { min: 0 }) ||
    (Array.isArray(value) &&
      value.length === 4 &&
      value.every((item) => inRange(item, { min: 0 })) &&
      inRange(value[3], { max: 0.5 })),
  (typed) => (/[,[]/.test(typed) ? parseList(typed) : parseNumber(typed)),
);

/** Days, or days with hours and minutes, as ISO 8601 writes them. */
export const moments = rule<string[]>(
  'a list of dates such as 2015-08-20, or 2015-08-20T10:15',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && timestampOf(item) !== undefined),
  parseTexts,
);

/** A share below 1, or one by name, of which some may be 1. */
export const shares = rule<number | Record<string, number>>(
  'a number at least 0 and below 1, or one of at most 1 by modality such as {"image":0.85}',
  (value) =>
    inRange(value, share) ||
    (isRecord(value) &&
      Object.keys(value).length > 0 &&
      Object.values(value).every((item) => inRange(item, { min: 0, max: 1 }))),
  (typed) => (typed.trim().startsWith('{') ? parseJson(typed) : parseNumber(typed)),
);

function inRange(value: unknown, { min, max, above, below }: Range): value is number {
  return (
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

function isInteger(value: unknown, range: Range): boolean {
  return inRange(value, range) && Number.isInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describeRange({ min, max, above, below }: Range): string {
  const bounds = [
    min !== undefined && `of at least ${min}`,
    above !== undefined && `above ${above}`,
    max !== undefined && `at most ${max}`,
    below !== undefined && `below ${below}`,
  ];
  return bounds.filter(Boolean).join(' and ');
}

/** Reads a number; anything else stays text. An empty text is no zero. */
function parseNumber(typed: string): unknown {
  const read = Number(typed);
  return typed.trim() === '' || (Number.isNaN(read) && typed !== 'NaN') ? typed : read;
}

/** Reads a JSON list, else comma-separated texts. */
function parseTexts(typed: string): unknown {
  const json = parseJson(typed);
  return Array.isArray(json) ? json : commaParts(typed);
}

/** Reads a JSON list, else comma-separated numbers. */
function parseList(typed: string): unknown {
  const json = parseJson(typed);
  return Array.isArray(json) ? json : commaParts(typed).map(parseNumber);
}

function commaParts(typed: string): string[] {
  return typed
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Reads a field whose kind no rule tells: JSON, else comma-separated numbers, else text. */
export function parseField(typed: string): unknown {
  const list = commaParts(typed).map(parseNumber);
  return list.length > 1 && list.every((item) => typeof item === 'number') ? list : parseJson(typed);
}

/** Reads JSON; anything else stays text. */
function parseJson(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}
