class Painter {
  constructor(canvas) {
    this.canvas = canvas
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: false, alpha: true, preserveDrawingBuffer: true }))
    if (!gl) throw new Error("no WebGL2")
    const info = gl.getExtension("WEBGL_debug_renderer_info")
    this.renderer = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
    this.software = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(this.renderer)
    this.prepare()
  }

  prepare() {
    const { gl } = this
    this.mesh = this.program(MESH_VERTEX, MESH_FRAGMENT)
    this.line = this.program(LINE_VERTEX, LINE_FRAGMENT)
    this.tables = Object.fromEntries(Object.entries(COLOUR_TABLES).map(([name, hex]) => [name, this.table(hexBytes(hex))]))
    this.targets = new Map()
    this.parts = null
  }

  program(vertex, fragment) {
    const { gl } = this, program = gl.createProgram()
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind)
      gl.shaderSource(shader, source)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program))
    const uniforms = {}
    for (let i = 0; i < (gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0); i++) {
      const { name } = gl.getActiveUniform(program, i)
      uniforms[name] = gl.getUniformLocation(program, name)
    }
    return { program, uniforms }
  }

  buffer(kind, data, usage) {
    const { gl } = this, buffer = gl.createBuffer()
    gl.bindBuffer(kind, buffer)
    gl.bufferData(kind, data, usage ?? gl.STATIC_DRAW)
    return buffer
  }

  table(rgb) {
    const { gl } = this, texture = gl.createTexture(), rgba = new Uint8Array(1024).fill(255)
    for (let i = 0; i < 256; i++) for (let k = 0; k < 3; k++) rgba[4 * i + k] = rgb[3 * i + k]
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE)
    return texture
  }

  attribute(location, data, width, type = this.gl.FLOAT, usage = undefined) {
    const { gl } = this, buffer = this.buffer(gl.ARRAY_BUFFER, data, usage)
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, width, type, type !== gl.FLOAT, 0, 0)
    return buffer
  }

  setAnatomy(anatomy) {
    this.staged = null
    for (const part of this.parts ?? []) this.discard(part)
    this.parts = anatomy.hemispheres.map(h => this.uploadHemisphere(h))
  }

  discard(part) {
    const { gl } = this
    for (const buffer of part.buffers) gl.deleteBuffer(buffer)
    for (const name of ["vao", "contours", "outline"]) if (part[name]) this.dropVertexArray(part[name])
  }

  dropVertexArray(item) {
    const { gl } = this
    gl.deleteVertexArray(item.vao ?? item)
    for (const buffer of item.buffers ?? []) gl.deleteBuffer(buffer)
  }

  uploadHemisphere(h) {
    const { gl } = this, vao = gl.createVertexArray()
    gl.bindVertexArray(vao)
    const buffers = [
      ...h.positions.map((data, i) => this.attribute(i, data, 3)),
      ...h.normals.map((data, i) => this.attribute(3 + i, data, 3)),
      this.attribute(6, h.paint, 2),
    ]
    buffers.push(this.attribute(8, h.places, 1))
    const values = this.attribute(7, new Int16Array(h.source.length), 1, gl.SHORT, gl.DYNAMIC_DRAW)
    buffers.push(values, this.buffer(gl.ELEMENT_ARRAY_BUFFER, h.triangles))
    gl.bindVertexArray(null)
    const part = { h, vao, buffers, values, staged: new Int16Array(h.source.length) }
    part.contours = this.uploadLines(h.contours, h.contours.segments)
    return part
  }

  // Four corners per segment and no instancing: software GL draws instances one by one.
  uploadLines({ nodes }, segments) {
    const { gl } = this, vao = gl.createVertexArray(), n = segments.length
    const corners = new Float32Array(n * 8), triangles = new Uint32Array(n * 6), ends = Array.from({ length: 9 }, () => new Float32Array(n * 12))
    segments.forEach(({ i, j }, k) => {
      corners.set([0, -1, 1, -1, 0, 1, 1, 1], 8 * k)
      triangles.set([0, 1, 2, 2, 1, 3].map(v => v + 4 * k), 6 * k)
      for (let s = 0; s < 3; s++) {
        for (let c = 0; c < 4; c++) {
          const at = 12 * k + 3 * c
          ends[s].set(nodes[i].subarray(3 * s, 3 * s + 3), at)
          ends[3 + s].set(nodes[j].subarray(3 * s, 3 * s + 3), at)
          ends[6 + s].set(nodes[i].subarray(9 + 3 * s, 12 + 3 * s), at)
        }
      }
    })
    gl.bindVertexArray(vao)
    const buffers = [this.attribute(0, corners, 2), this.buffer(gl.ELEMENT_ARRAY_BUFFER, triangles)]
    ends.forEach((data, at) => buffers.push(this.attribute(1 + at, data, 3)))
    gl.bindVertexArray(null)
    return { vao, buffers, count: 6 * n, flatCount: 6 * segments.filter(s => s.flat).length }
  }

  setOutline(network) {
    for (const part of this.parts ?? []) {
      if (part.outline) this.dropVertexArray(part.outline)
      const own = part.h.contours.segments.filter(s => network && (s.a === network || s.b === network))
      part.outline = own.length ? this.uploadLines(part.h.contours, own) : null
    }
  }

  // row: int16 values of one map by location; location: location of each surface vertex.
  setValues(row, location) {
    Object.assign(this, { row, location, rowVersion: (this.rowVersion ?? 0) + 1 })
  }

  // Bring the values to the vertices, where they are not there yet.
  stage() {
    if (this.staged === this.rowVersion) return
    const { gl, row, location } = this
    for (const { h, values, staged } of this.parts) {
      for (let i = 0; i < staged.length; i++) {
        const at = location[h.source[i]], value = at < 0 ? NO_DATA : row[at]
        staged[i] = value === NO_DATA ? 0 : value
      }
      gl.bindBuffer(gl.ARRAY_BUFFER, values)
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, staged)
    }
    this.staged = this.rowVersion
  }

  // A multisampled picture is resolved into the target; software GL pays for it only at rest.
  target(width, height, samples) {
    const { gl } = this, key = `${width}x${height}x${samples}`
    if (this.targets.has(key)) return this.targets.get(key)
    for (const old of this.targets.values()) {
      gl.deleteFramebuffer(old.framebuffer)
      for (const b of old.renderbuffers) gl.deleteRenderbuffer(b)
    }
    this.targets.clear()
    const framebuffer = gl.createFramebuffer()
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
    const attach = (format, point) => {
      const buffer = gl.createRenderbuffer()
      gl.bindRenderbuffer(gl.RENDERBUFFER, buffer)
      gl.renderbufferStorageMultisample(gl.RENDERBUFFER, samples, format, width, height)
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, point, gl.RENDERBUFFER, buffer)
      return buffer
    }
    const renderbuffers = [attach(gl.RGBA8, gl.COLOR_ATTACHMENT0), attach(gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT)]
    const whole = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE
    const made = { framebuffer, renderbuffers, whole }
    this.targets.set(key, made)
    return made
  }

  draw(scene, fine) {
    const { gl, canvas } = this, { width, height } = canvas
    const samples = fine ? Math.min(4, gl.getParameter(gl.MAX_SAMPLES)) : 0
    const target = samples > 1 ? this.target(width, height, samples) : null
    const framebuffer = target?.whole ? target.framebuffer : null
    this.paint(framebuffer, width, height, scene)
    if (framebuffer) this.resolve(framebuffer, null, width, height)
  }

  resolve(from, to, width, height) {
    const { gl } = this
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from)
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to)
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
  }

  paint(framebuffer, width, height, scene) {
    const { gl } = this
    this.stage()
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
    gl.viewport(0, 0, width, height)
    gl.disable(gl.SCISSOR_TEST)
    gl.depthMask(true)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
    gl.enable(gl.DEPTH_TEST)
    gl.enable(gl.CULL_FACE)
    for (const view of scene.frames) if (view.w >= 2 && view.h >= 2) this.paintView(view, height, scene)
  }

  paintView(view, height, scene) {
    const { gl } = this, part = this.parts[view.view.hemisphere]
    gl.viewport(Math.round(view.x), Math.round(height - view.y - view.h), Math.round(view.w), Math.round(view.h))
    gl.useProgram(this.mesh.program)
    this.camera(this.mesh.uniforms, view, scene)
    const u = this.mesh.uniforms
    gl.uniform1f(u.unit, scene.unit)
    gl.uniform1f(u.threshold, scene.threshold)
    gl.uniform1f(u.low, scene.low)
    gl.uniform1f(u.high, scene.high)
    gl.uniform1f(u.flatness, scene.mixing[2])
    gl.bindTexture(gl.TEXTURE_2D, this.tables[scene.colourMap])
    gl.disable(gl.BLEND)
    this.drawTriangles(part, scene)
    this.paintAllLines(view, scene)
  }

  drawTriangles(part, scene) {
    const { gl } = this
    gl.bindVertexArray(part.vao)
    gl.drawElements(gl.TRIANGLES, scene.mixing[2] > 0 ? part.h.nFlat : part.h.triangles.length, gl.UNSIGNED_INT, 0)
    gl.bindVertexArray(null)
  }

  paintAllLines(view, scene) {
    const { gl } = this, part = this.parts[view.view.hemisphere]
    if (scene.contours) this.paintLines(part.contours, view, scene, CONTOUR, 0.55, 0.78, 0.9)
    if (part.outline) {
      this.paintLines(part.outline, view, scene, [1, 1, 1], 2.3, 1.0, 1.2)
      this.paintLines(part.outline, view, scene, HIGHLIGHT, 1.5, 1.0, 1.4)
    }
    gl.bindVertexArray(null)
  }

  camera(u, view, scene) {
    const { gl } = this, r = view.rotation
    gl.uniformMatrix3fv(u.turn, false, [r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]])
    gl.uniform3fv(u.mixing, scene.mixing)
    gl.uniform2f(u.scale, (2 * view.scale) / view.w, (2 * view.scale) / view.h)
    gl.uniform2f(u.pan, (2 * view.panX) / view.w, (2 * view.panY) / view.h)
  }

  paintLines(lines, view, scene, ink, radius, strength, lift) {
    const { gl } = this, u = this.line.uniforms
    gl.useProgram(this.line.program)
    this.camera(u, view, scene)
    gl.uniform2f(u.pixels, view.w, view.h)
    gl.uniform1f(u.radius, Math.max(radius * scene.penScale, 0.5))
    gl.uniform1f(u.strength, strength)
    gl.uniform1f(u.lift, lift)
    gl.uniform3fv(u.ink, ink)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    gl.disable(gl.CULL_FACE)
    gl.depthMask(false)
    gl.bindVertexArray(lines.vao)
    gl.drawElements(gl.TRIANGLES, scene.mixing[2] > 0 ? lines.flatCount : lines.count, gl.UNSIGNED_INT, 0)
    gl.depthMask(true)
    gl.enable(gl.CULL_FACE)
  }

  // The scene as pixels on white, for print.
  picture(scene, width, height) {
    const { gl } = this, samples = Math.min(4, gl.getParameter(gl.MAX_SAMPLES))
    const many = this.target(width, height, samples), one = gl.createFramebuffer(), texture = gl.createTexture()
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, one)
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
    this.paint(many.framebuffer, width, height, scene)
    this.resolve(many.framebuffer, one, width, height)
    const raw = new Uint8Array(width * height * 4), image = new ImageData(width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, one)
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, raw)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.deleteFramebuffer(one)
    gl.deleteTexture(texture)
    for (let row = 0; row < height; row++) {
      const from = (height - 1 - row) * width * 4, to = row * width * 4
      for (let k = 0; k < width * 4; k += 4) {
        const rest = 255 - raw[from + k + 3]
        for (let c = 0; c < 3; c++) image.data[to + k + c] = raw[from + k + c] + rest
        image.data[to + k + 3] = 255
      }
    }
    return image
  }

  finish() {
    const { gl } = this
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4))
  }

  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext()
  }
}
