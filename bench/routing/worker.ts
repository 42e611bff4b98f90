import { serve } from '../kit/child.ts'
import { silent } from '../kit/progress.ts'
import { measureRouting, type Plan, type Results } from './measure.ts'

// For who measures other things too: a client that it loads must not slow down what is measured here.
serve<Plan, Results>((plan) => measureRouting(plan, silent))
