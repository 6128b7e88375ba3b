function unitNormals(points, faces) {
  const normals = new Float32Array(points.length)
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f] * 3, faces[f + 1] * 3, faces[f + 2] * 3]
    const ux = points[b] - points[a], uy = points[b + 1] - points[a + 1], uz = points[b + 2] - points[a + 2]
    const vx = points[c] - points[a], vy = points[c + 1] - points[a + 1], vz = points[c + 2] - points[a + 2]
    const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx
    for (const k of [a, b, c]) { normals[k] += x; normals[k + 1] += y; normals[k + 2] += z }
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1
    normals[i] /= length; normals[i + 1] /= length; normals[i + 2] /= length
  }
  return normals
}

// Vertices of the cut mesh are means of up to three surface vertices (`parts`)
// and take their value from one of them (`source`), the one on their side.
class CutMesh {
  constructor(n, faces, labels) {
    this.n = n
    this.source = Array.from({ length: n }, (_, i) => i)
    this.parts = []
    this.midpoints = new Map()
    this.faces = faces
    this.labels = labels
  }

  add(side, a, b, c) {
    this.source.push(side)
    this.parts.push(a, b, c)
    return this.source.length - 1
  }

  middle(side, other) {
    const key = side * this.n + other
    let found = this.midpoints.get(key)
    if (found === undefined) this.midpoints.set(key, (found = this.add(side, side, other, -1)))
    return found
  }

  // Triangles of the faces that `wanted` accepts, cut where labels differ.
  cut(wanted) {
    const out = [], { faces, labels } = this
    for (let f = 0; f < faces.length; f += 3) {
      if (!wanted(f / 3)) continue
      const t = [faces[f], faces[f + 1], faces[f + 2]]
      const [la, lb, lc] = [labels[t[0]], labels[t[1]], labels[t[2]]]
      if (la === lb && lb === lc) out.push(...t)
      else if (la !== lb && lb !== lc && la !== lc) this.cutThree(out, t)
      else this.cutTwo(out, la === lb ? t : lb === lc ? [t[1], t[2], t[0]] : [t[2], t[0], t[1]])
    }
    return out
  }

  cutTwo(out, [a, b, odd]) {
    const am = this.middle(a, odd), bm = this.middle(b, odd)
    out.push(a, b, bm, a, bm, am, this.middle(odd, a), this.middle(odd, b), odd)
  }

  cutThree(out, [a, b, c]) {
    for (const [p, q, r] of [[a, b, c], [b, c, a], [c, a, b]]) {
      const centre = this.add(p, a, b, c)
      out.push(p, this.middle(p, q), centre, p, centre, this.middle(p, r))
    }
  }

  spread(values, width) {
    const out = new Float32Array(this.source.length * width)
    out.set(values)
    for (let i = 0; i < this.parts.length; i += 3) {
      const at = (this.n + i / 3) * width, used = this.parts[i + 2] < 0 ? 2 : 3
      for (let k = 0; k < width; k++) {
        let sum = 0
        for (let p = 0; p < used; p++) sum += values[this.parts[i + p] * width + k]
        out[at + k] = sum / used
      }
    }
    return out
  }
}

function subset(array, width, offset, count) {
  return array.subarray(offset * width, (offset + count) * width)
}

function interleave(first, second) {
  const out = new Float32Array(2 * first.length)
  for (let i = 0; i < first.length; i++) { out[2 * i] = first[i]; out[2 * i + 1] = second[i] }
  return out
}
