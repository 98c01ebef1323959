/** Object File Format (Geomview): a header, vertices, polygons; ModelNet's meshes. */
import { ensure } from '../../errors/index.js';
import { contentLines, parseCount, parseNumber, quoted, textOf } from './lines.js';
import { type PointSet, pointSet, triangulate } from './pointSet.js';

/** `OFF`, with the prefixes for texture (ST), colour (C), normal (N), and those of other dimensions, which are refused. */
const HEADER = /^(ST)?(C)?(N)?(4)?(n)?OFF/;

/** Whether bytes begin as an OFF file. */
export function isOff(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.slice(0, 4096)).toString('latin1');
  return HEADER.test(start.replace(/^(?:\s+|#[^\n]*\n)*/, ''));
}

/**
 * Reads an OFF file: `OFF`, `COFF`, `NOFF`, `STOFF` and their unions; the counts may follow on the header's line, as in
 * ModelNet's `OFF490 518 0`. Polygons become fans of triangles; face colours are passed over. Colours given as bytes
 * become 0 … 1.
 * @throws HiperceiverError with a short reason
 */
export function readOff(bytes: Uint8Array): PointSet {
  const lines = contentLines(textOf(bytes));
  const next = (what: string): string[] => {
    const { value, done } = lines.next();
    ensure(!done, () => `it ends before its ${what}`);
    return value.words;
  };
  let words = next('header');
  const [header, texture, color, normal, four, many] = HEADER.exec(words[0]) ?? [];
  ensure(header !== undefined, () => 'it does not begin with OFF');
  ensure(!four && !many, () => `"${header}" has points of other than three dimensions`);
  words = [words[0].slice(header.length), ...words.slice(1)].filter((word) => word !== '');
  ensure(words[0]?.toUpperCase() !== 'BINARY', () => 'it is binary OFF, which is not read: save it as text OFF or PLY');
  while (words.length < 2) words.push(...next('counts'));
  const vertices = parseCount(words[0], 'count of vertices');
  const polygons = parseCount(words[1], 'count of faces');
  ensure(
    vertices * 6 <= bytes.length + 6,
    () => `it claims ${vertices} vertices, more than its ${bytes.length} bytes hold`,
  );
  ensure(
    polygons * 2 <= bytes.length + 2,
    () => `it claims ${polygons} faces, more than its ${bytes.length} bytes hold`,
  );
  ensure(vertices > 0, () => 'it holds no points');

  let points = new Float32Array(0);
  let channels = 0;
  for (let v = 0; v < vertices; v++) {
    words = next(`vertex ${v + 1} of ${vertices}`);
    if (v === 0) {
      channels = words.length;
      ensure(channels >= 3 && channels <= 16, () => `its first vertex has ${channels} numbers`);
      ensure(
        vertices * channels * 2 <= bytes.length + 2,
        () => `it claims ${vertices} vertices, more than its bytes hold`,
      );
      points = new Float32Array(vertices * channels);
    }
    ensure(
      words.length === channels,
      () => `vertex ${v + 1} has ${words.length} numbers where the first has ${channels}`,
    );
    for (let c = 0; c < channels; c++) {
      const value = parseNumber(words[c]);
      ensure(value !== undefined, () => `vertex ${v + 1} holds ${quoted(words[c])}, no number`);
      points[v * channels + c] = value;
    }
  }
  const triangles: number[] = [];
  for (let f = 0; f < polygons; f++) {
    words = next(`face ${f + 1} of ${polygons}`);
    const corners = parseCount(words[0], `count of corners of face ${f + 1}`);
    ensure(words.length > corners, () => `face ${f + 1} has fewer corners than its ${corners}`);
    triangulate(
      words.slice(1, 1 + corners).map((word) => parseCount(word, `corner of face ${f + 1}`)),
      triangles,
    );
  }
  const columns = columnNames(channels, Boolean(normal), Boolean(color), Boolean(texture));
  scaleColors(points, channels, columns);
  return pointSet(points, channels, { columns, faces: Int32Array.from(triangles) });
}

/** Geomview's order: position, normal, colour (three or four numbers), texture; undefined where the numbers do not fit. */
function columnNames(channels: number, normal: boolean, color: boolean, texture: boolean): string[] | undefined {
  const names = ['x', 'y', 'z', ...(normal ? ['nx', 'ny', 'nz'] : [])];
  const ending = texture ? ['s', 't'] : [];
  const left = channels - names.length - ending.length;
  // Colours are common without the C that should announce them.
  if ((color || left > 0) && (left === 3 || left === 4))
    names.push(...['red', 'green', 'blue', 'alpha'].slice(0, left));
  names.push(...ending);
  return names.length === channels ? names : undefined;
}

/** Colours are bytes or shares of 1, and the format does not say which; a share is never above 1. */
function scaleColors(points: Float32Array, channels: number, columns: readonly string[] | undefined): void {
  const first = columns?.indexOf('red') ?? -1;
  if (first < 0) return;
  const ending = columns?.includes('alpha') ? first + 4 : first + 3;
  let largest = 0;
  for (let p = 0; p < points.length; p += channels)
    for (let c = first; c < ending; c++) largest = Math.max(largest, points[p + c]);
  if (largest <= 1) return;
  for (let p = 0; p < points.length; p += channels) for (let c = first; c < ending; c++) points[p + c] /= 255;
}
