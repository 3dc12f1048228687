"""The CDK app: `cdk synth -c stage=dev|staging|prod` writes the templates, without account or network."""

import sys

from aws_cdk import App

from infra.aws.deployment import deploy
from infra.aws.stages import UnknownStage
from infra.policy_files import PolicyFileError
from infra.state_machine_file import StateMachineFileError

app = App()
try:
    deploy(app)
except (UnknownStage, PolicyFileError, StateMachineFileError) as error:
    sys.exit(str(error))
app.synth()
