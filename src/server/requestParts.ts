/** A body as the files that it holds: one raw file, a form with files, or JSON with files in base64. */
import { HttpError } from './httpError.js';

/** One file of a request, still encoded. */
export interface Part {
  bytes: Uint8Array;
  /** Media type in lower case, without parameters. */
  type: string;
  /** The file's name, where the client told one. */
  name?: string;
}

/** What stands for a file whose type nobody told: its first bytes decide. */
export const ANY_TYPE = 'application/octet-stream';
const FORM = 'multipart/form-data';
const JSON_TYPE = 'application/json';
/** The forms of a body besides a single file. */
export const CONTAINER_TYPES = [FORM, JSON_TYPE];

/** A media type without its parameters: `text/html` of `Text/HTML; charset=utf-8`. */
export function mediaType(header: string | undefined): string {
  return (header ?? ANY_TYPE).split(';')[0].trim().toLowerCase();
}

/**
 * The files of a body, at least one and at most `most`.
 * @param contentType the header as it was sent
 * @throws HttpError 400 with what is wrong about the form or the JSON
 */
export async function partsOf(body: Buffer, contentType: string | undefined, most: number): Promise<Part[]> {
  const type = mediaType(contentType);
  if (body.length === 0) throw new HttpError(400, 'empty_body', 'The body is empty: send a file in it.');
  if (type === FORM) return formParts(body, contentType!, most);
  if (type === JSON_TYPE) return jsonParts(body, most);
  return [{ bytes: body, type }];
}

async function formParts(body: Buffer, contentType: string, most: number): Promise<Part[]> {
  const boundary = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  if (!boundary) throw badBody('The content-type names no boundary: let the HTTP client write that header.');
  // Before anything is made of them: a form of 20 MB can have half a million parts.
  if (occurrences(body, `--${boundary[1] ?? boundary[2]}`, most + 2) > most + 1) throw tooMany(most);
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw badBody('The form is damaged or cut off: send it as multipart/form-data with one file in each part.');
  }
  const parts: Part[] = [];
  for (const value of form.values()) {
    if (typeof value === 'string') throw badBody('The form has a field without a file: send each input as a file.');
    parts.push({
      bytes: new Uint8Array(await value.arrayBuffer()),
      type: mediaType(value.type || undefined),
      name: value.name,
    });
  }
  if (parts.length === 0) throw badBody('The form has no file: send each input as a file.');
  return parts;
}

function occurrences(bytes: Buffer, word: string, most: number): number {
  let count = 0;
  for (let at = bytes.indexOf(word); at >= 0 && count <= most; at = bytes.indexOf(word, at + word.length)) count++;
  return count;
}

const JSON_SHAPE = 'send {"inputs": ["base64…", {"data": "base64…", "type": "image/png", "name": "a.png"}]}';

function jsonParts(body: Buffer, most: number): Part[] {
  let inputs: unknown;
  try {
    inputs = (JSON.parse(body.toString('utf8')) as { inputs?: unknown } | null)?.inputs;
  } catch {
    throw badBody(`The body is no JSON: ${JSON_SHAPE}.`);
  }
  if (!Array.isArray(inputs) || inputs.length === 0) throw badBody(`The JSON has no list "inputs": ${JSON_SHAPE}.`);
  if (inputs.length > most) throw tooMany(most);
  return inputs.map((input, i) => {
    const given = typeof input === 'string' ? { data: input } : (input as Partial<Record<string, unknown>> | null);
    const { data, type, name } = given ?? {};
    if (typeof data !== 'string') throw badBody(`Input ${i + 1} has no text "data": ${JSON_SHAPE}.`);
    const [, declared, encoded] = /^data:([^;,]*);base64,(.*)$/s.exec(data) ?? [undefined, type, data];
    // Buffer skips what is no base64, and would make another file of it.
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded!)) throw badBody(`Input ${i + 1} is no base64: ${JSON_SHAPE}.`);
    return {
      bytes: Buffer.from(encoded!, 'base64'),
      type: mediaType(typeof declared === 'string' && declared !== '' ? declared : undefined),
      name: typeof name === 'string' ? name : undefined,
    };
  });
}

function badBody(message: string): HttpError {
  return new HttpError(400, 'bad_body', message);
}

function tooMany(most: number): HttpError {
  return new HttpError(
    413,
    'too_many_inputs',
    `A request takes at most ${most} inputs: send them in several requests.`,
  );
}
