// Everything about the surface that does not depend on WebGL; remembered with its block.
function buildAnatomy(block) {
  if (block.anatomy) return block.anatomy
  const { header, arrays } = block
  const n = arrays.sulc.length, nFaces = arrays.flat_faces.length
  const points = {}
  for (const name of SURFACES) points[name] = Float32Array.from(arrays[name], v => (v / 32767) * header.millimetres)
  const parcels = header.location_names.length > 0
  const sides = Int32Array.from(arrays.wall, (wall, v) => (wall ? -2 : parcels ? arrays.location[v] : 0))
  let split = 0
  while (split < nFaces && arrays.faces[3 * split] < header.n_left) split++
  const halves = [[0, 0, header.n_left, 0, split], [1, header.n_left, n - header.n_left, split, nFaces - split]]
  const hemispheres = halves.map(([index, start, count, firstFace, faceCount]) => {
    const local = subset(arrays.faces, 3, firstFace, faceCount).map(v => v - start)
    const flat = subset(arrays.flat_faces, 1, firstFace, faceCount)
    const own = {}
    for (const name of SURFACES) own[name] = subset(points[name], 3, start, count)
    const mesh = new CutMesh(count, local, subset(sides, 1, start, count))
    const flatTriangles = mesh.cut(f => flat[f]), otherTriangles = mesh.cut(f => !flat[f])
    const normals = SURFACES.map(name => unitNormals(own[name], local))
    const wall = subset(arrays.wall, 1, start, count), sulc = subset(arrays.sulc, 1, start, count)
    return {
      index, start, count, flat, faces: local, points: own,
      triangles: Uint32Array.from([...flatTriangles, ...otherTriangles]),
      nFlat: flatTriangles.length,
      source: Int32Array.from(mesh.source, v => v + start),
      places: Float32Array.from(mesh.source, v => (wall[v] ? 0 : arrays.location[v + start] + 1)),
      positions: SURFACES.map(name => mesh.spread(own[name], 3)),
      normals: normals.map(directions => mesh.spread(directions, 3)),
      paint: interleave(mesh.spread(Float32Array.from(sulc, v => v / 127), 1), mesh.source.map(s => wall[s])),
      contours: traceContours(own, normals, local, subset(arrays.networks, 1, start, count), f => !!flat[f]),
    }
  })
  return (block.anatomy = { hemispheres, n })
}
