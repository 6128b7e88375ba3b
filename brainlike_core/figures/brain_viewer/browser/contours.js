// Borders between labels as segments between nodes. A node holds its position in the
// three geometries, then its normals there.
function traceContours(points, normals, faces, labels, wanted) {
  const nodes = [], segments = [], seen = new Map(), n = labels.length
  const node = (...vertices) => {
    const place = new Float32Array(18)
    SURFACES.forEach((name, s) => {
      for (let k = 0; k < 3; k++) {
        for (const v of vertices) {
          place[3 * s + k] += points[name][3 * v + k] / vertices.length
          place[9 + 3 * s + k] += normals[s][3 * v + k] / vertices.length
        }
      }
    })
    nodes.push(place)
    return nodes.length - 1
  }
  const middle = (a, b) => {
    const key = a < b ? a * n + b : b * n + a
    if (!seen.has(key)) seen.set(key, node(a, b))
    return seen.get(key)
  }
  for (let f = 0; f < faces.length; f += 3) {
    const t = [faces[f], faces[f + 1], faces[f + 2]]
    const edges = [[t[0], t[1]], [t[1], t[2]], [t[2], t[0]]].filter(([a, b]) => labels[a] !== labels[b])
    if (!edges.length) continue
    const flat = wanted(f / 3)
    const link = (i, j, [a, b]) => segments.push({ i, j, a: labels[a], b: labels[b], flat })
    const [first, second, third] = edges
    if (!third) link(middle(...first), middle(...second), first)
    else {
      const centre = node(...t)
      for (const edge of edges) link(middle(...edge), centre, edge)
    }
  }
  smoothChains(nodes, segments, 3)
  return { nodes, segments: [...segments.filter(s => s.flat), ...segments.filter(s => !s.flat)] }
}

// Nodes inside a chain move towards their two neighbours: triangle edges stop showing.
// When flat, a chain ends at the cut, where its next node may lie far away.
function smoothChains(nodes, segments, rounds) {
  const link = chosen => {
    const near = nodes.map(() => [])
    for (const { i, j } of chosen) { near[i].push(j); near[j].push(i) }
    return near
  }
  const folded = link(segments), flat = link(segments.filter(s => s.flat))
  for (let round = 0; round < rounds; round++) {
    const old = nodes.map(p => p.slice())
    for (const [near, from, to] of [[folded, 0, 6], [flat, 6, 9]]) {
      near.forEach((pair, i) => {
        if (pair.length !== 2) return
        for (let k = from; k < to; k++) nodes[i][k] = 0.5 * old[i][k] + 0.25 * (old[pair[0]][k] + old[pair[1]][k])
      })
    }
  }
}
