"""What notebooks show: panels that watch and steer. Asked for from below (`incrsim.panels`); needs the extra
`notebook`.
"""
