/** Polygon File Format (Stanford): a text header that declares elements, then their records as text or binary. */
import { ensure } from '../../errors/index.js';
import { quoted } from './lines.js';
import { type Element, plyHeader, SCALARS } from './plyHeader.js';
import { binaryRecords, type PlyRecords, textRecords } from './plyRecords.js';
import { type PointSet, pointSet, triangulate } from './pointSet.js';

const FACE_LISTS = ['vertex_indices', 'vertex_index'];
const COLORS = /^(?:diffuse_)?(red|green|blue|alpha|r|g|b|a)$/;

/** Whether bytes begin as a PLY file. */
export function isPly(bytes: Uint8Array): boolean {
  return bytes[0] === 0x70 && bytes[1] === 0x6c && bytes[2] === 0x79 && (bytes[3] === 10 || bytes[3] === 13);
}

/**
 * Reads a PLY file: ascii, binary little or big endian. The scalars of the vertices become channels (x, y, z first, then
 * in their stored order), polygons fans of triangles; lists of vertices and other elements are passed over. Colours stored
 * as bytes become 0 … 1.
 * @throws HiperceiverError with a short reason
 */
export function readPly(bytes: Uint8Array): PointSet {
  const { format, elements, start } = plyHeader(bytes);
  const vertex = elements.find(({ name }) => name === 'vertex');
  ensure(vertex, () => 'its header declares no vertices');
  const scalars = vertex.properties.filter(({ count }) => count === undefined);
  const columns = scalars.map(({ name }) => name);
  for (const axis of ['x', 'y', 'z'])
    ensure(columns.includes(axis), () => `its vertices have no "${axis}", only ${quoted(columns.join(', '))}`);

  const records = format === 'ascii' ? textRecords(bytes, start) : binaryRecords(bytes, start, format);
  let points: Float32Array = new Float32Array(0);
  const triangles: number[] = [];
  for (const element of elements) {
    // Each record takes at least so many bytes, so that a count that lies is found before memory is touched.
    const least = element.properties.reduce((sum, { count, type }) => sum + records.leastBytes(count ?? type), 0);
    ensure(
      element.properties.length === 0 || element.count * least <= records.remaining() + 1,
      () => `it claims ${element.count} of ${quoted(element.name)}, more than the ${records.remaining()} bytes left`,
    );
    if (element === vertex) points = readVertices(records, element, scalars.length);
    else readFaces(records, element, triangles);
  }
  for (const [c, { name, type }] of scalars.entries()) {
    if (SCALARS[type].size !== 1 || !COLORS.test(name)) continue;
    for (let i = c; i < points.length; i += scalars.length) points[i] /= 255;
  }
  return pointSet(points, scalars.length, { columns, faces: Int32Array.from(triangles) });
}

/** The scalars of all vertices, `[N, channels]`. */
function readVertices(records: PlyRecords, { count, properties }: Element, channels: number): Float32Array {
  const points = new Float32Array(count * channels);
  let at = 0;
  for (let v = 0; v < count; v++) {
    for (const property of properties) {
      if (property.count === undefined) points[at++] = records.read(property.type);
      else for (let left = records.length(property); left > 0; left--) records.read(property.type);
    }
  }
  return points;
}

/** Reads past an element; polygons among it are appended as triangles. */
function readFaces(records: PlyRecords, { name, count, properties }: Element, triangles: number[]): void {
  if (properties.length === 0) return;
  for (let f = 0; f < count; f++) {
    for (const property of properties) {
      if (property.count === undefined) {
        records.read(property.type);
        continue;
      }
      const corners: number[] = [];
      for (let left = records.length(property); left > 0; left--) corners.push(records.read(property.type));
      if (name === 'face' && FACE_LISTS.includes(property.name)) triangulate(corners, triangles);
    }
  }
}
