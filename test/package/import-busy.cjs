// Does when it is loaded what no module of the package may: the control of import.test.ts.
const { spawn } = require('node:child_process')
const { lookup } = require('node:dns')
const { connect } = require('node:net')

connect(1, '127.0.0.1').on('error', () => {})
lookup('localhost', () => {})
spawn(process.execPath, ['-e', process.env.SECRET_OF_TEST ?? ''])
setTimeout(() => {}, 1)
process.on('warning', () => {})
console.log('loaded')
