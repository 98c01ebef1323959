/** The query of a request: known names, values in their range. */
import { unknownName } from '../errors/index.js';
import { HttpError } from './httpError.js';

/** One query parameter, as the documentation and the reader know it. */
export interface QueryParameter {
  help: string;
  /** For a number: its range, and whether it must be whole. */
  range?: { least: number; most: number; whole?: boolean };
  /** For a word: those that there are. */
  choices?: readonly string[];
  default?: number | string;
}

/** Query parameters by name. */
export type QueryParameters = Record<string, QueryParameter>;

/** Values by name, of the types that the parameters state; absent ones with their defaults. */
export type Query = Record<string, number | string | undefined>;

/** Reads a query. @throws HttpError 400 naming what is unknown, twice there, or out of its range */
export function readQuery(search: URLSearchParams, parameters: QueryParameters): Query {
  const query: Query = Object.fromEntries(
    Object.entries(parameters).map(([name, { default: value }]) => [name, value]),
  );
  for (const [name, text] of search) {
    const names = Object.keys(parameters);
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (!parameter) {
      throw badQuery(
        names.length === 0
          ? `There is no query parameter "${shortened(name)}" here: leave it out.`
          : unknownName('query parameter', shortened(name), names).message,
      );
    }
    if (search.getAll(name).length > 1) throw badQuery(`${name} is given more than once: give it once.`);
    query[name] = parameter.range ? numberOf(name, text, parameter.range) : wordOf(name, text, parameter.choices ?? []);
  }
  return query;
}

function numberOf(name: string, text: string, { least, most, whole }: NonNullable<QueryParameter['range']>): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw badQuery(
      `${name} is "${shortened(text)}": give a ${whole ? 'whole ' : ''}number between ${least} and ${most}.`,
    );
  }
  return value;
}

function wordOf(name: string, text: string, choices: readonly string[]): string {
  if (!choices.includes(text)) throw badQuery(unknownName(name, shortened(text), choices).message);
  return text;
}

function badQuery(message: string): HttpError {
  return new HttpError(400, 'bad_query', message);
}

/** What a client typed, short enough to be repeated. */
function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
